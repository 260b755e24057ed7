//! AWS Organizations: who may deploy organization conformance packs.

use aws_sdk_organizations::Client;

use super::Inspector;
use crate::doctor::facts::{Answer, Organization, Unanswered};

impl Inspector {
    /// The organization of the caller's account.
    pub async fn organization(&self) -> Organization {
        let client = Client::new(self.sdk());
        let delegates = async |principal: &str| -> Answer<Vec<String>> {
            let pages = client.list_delegated_administrators().service_principal(principal).into_paginator();
            let accounts = pages.items().send().try_collect();
            let accounts = self.ask("organizations:ListDelegatedAdministrators", accounts).await?;
            Ok(accounts.into_iter().filter_map(|account| account.id).collect())
        };
        let (management, for_packs, for_data) = tokio::join!(
            self.management(&client),
            delegates("config-multiaccountsetup.amazonaws.com"),
            delegates("config.amazonaws.com"),
        );
        Organization { management, for_packs, for_data }
    }

    async fn management(&self, client: &Client) -> Answer<String> {
        let described = self.ask("organizations:DescribeOrganization", client.describe_organization().send());
        let organization = described.await?.organization;
        organization.and_then(|organization| organization.master_account_id).ok_or(Unanswered::Missing)
    }
}
