//! The snapshot store in a DynamoDB table.

use std::collections::BTreeMap;

use super::connection::Connection;
use super::fault::Fault;
use super::items::{Item, decode, encode, keys, number, silence, sort_key, text};
use super::refusal::{Refused, explain, own_claim, persist, refused};
use super::transaction::{self, FENCE};
use crate::model::{AccountId, Target};
use crate::ports::{HistoryReader, HistoryRequest, Order, Page, SilenceStore, SnapshotStore, StoreError};
use crate::state::heads::{Change, Claim, Commit, Heads, SCHEMA};
use crate::state::keys;
use crate::state::silence::Silence;
use crate::state::{Row, Transition};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};

/// The condition of a claim: nobody has claimed or committed since the head was loaded.
const AS_LOADED: &str = "epoch = :epoch AND announced = :announced AND events_announced = :events_announced";

/// A page of rows, where DynamoDB would give up to 1 MB of them: 9,000, which take 9 MB when they are decoded.
const ROWS_IN_A_PAGE: i32 = 2000;

/// Snapshots in a DynamoDB table.
#[derive(Debug, Clone)]
pub struct DynamoStore {
    client: Client,
    table: String,
}

impl DynamoStore {
    /// The table in the connection's region.
    pub fn new(connection: &Connection, table: &str) -> Self {
        Self { client: Client::new(&connection.sdk), table: table.to_owned() }
    }

    /// A consistent Query of one partition, whose key conditions are the caller's.
    fn query(&self, pk: impl Into<String>, condition: &str) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression(format!("pk = :pk AND {condition}"))
            .expression_attribute_values(":pk", text(pk))
    }

    /// Takes every item of a query, a page at a time: as DynamoDB's own maps they need five times the room.
    async fn each(
        &self,
        query: QueryFluentBuilder,
        mut take: impl FnMut(Item) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut pages = query.into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| explain(&Fault::of("Query", &error)))?;
            page.items.unwrap_or_default().into_iter().try_for_each(&mut take)?;
        }
        Ok(())
    }

    /// The oldest transition of the target with an epoch greater than `after`.
    #[cfg(feature = "doctor")]
    pub(super) async fn oldest_after(
        &self,
        target: &Target,
        after: u64,
    ) -> Result<Option<Transition>, StoreError> {
        let (from, to) = keys::transitions_after(after);
        let query = self.query(keys::partition(target), "sk BETWEEN :from AND :to").limit(1);
        let query = query.expression_attribute_values(":from", text(from));
        let found = query.expression_attribute_values(":to", text(to)).send().await;
        let found = found.map_err(|error| explain(&Fault::of("Query", &error)))?;
        found.items.unwrap_or_default().pop().map(|item| decode(target, item)).transpose()
    }

    async fn first_claim(&self, target: &Target, claim: &Claim) -> Result<(), Refused> {
        let mut head = encode(keys::WATCH.to_owned(), keys::head(target), &claim.first_head())?;
        head.insert("claimed_by".to_owned(), text(&claim.run));
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(head))
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        put.map(drop).or_else(|error| match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(failed)) => own_claim(failed.item(), claim),
            _ => Err(refused(&Fault::of("PutItem", &error))),
        })
    }

    async fn next_claim(&self, target: &Target, claim: &Claim) -> Result<(), Refused> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(keys(keys::WATCH, keys::head(target))))
            .update_expression("SET epoch = :next, claimed_by = :run, #schema = :schema REMOVE fingerprint")
            .condition_expression(AS_LOADED)
            .expression_attribute_names("#schema", "schema")
            .expression_attribute_values(":epoch", number(claim.seen))
            .expression_attribute_values(":announced", number(claim.announced))
            .expression_attribute_values(":events_announced", number(claim.events_announced))
            .expression_attribute_values(":next", number(claim.epoch()))
            .expression_attribute_values(":run", text(&claim.run))
            .expression_attribute_values(":schema", number(SCHEMA.into()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        update.map(drop).or_else(|error| match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(failed)) => own_claim(failed.item(), claim),
            _ => Err(refused(&Fault::of("UpdateItem", &error))),
        })
    }

    async fn transact(&self, actions: Vec<TransactWriteItem>) -> Result<(), Refused> {
        let write = self.client.transact_write_items().set_transact_items(Some(actions)).send().await;
        write.map(drop).map_err(|error| {
            let fault = Fault::of("TransactWriteItems", &error);
            let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) =
                error.as_service_error()
            else {
                return refused(&fault);
            };
            let reasons = cancelled.cancellation_reasons().iter().filter_map(|reason| reason.code());
            let reasons: Vec<&str> = reasons.filter(|code| *code != "None").collect();
            if reasons.contains(&"ConditionalCheckFailed") {
                return Refused::Final(StoreError::Superseded);
            }
            let passing = ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"];
            let passes = reasons.iter().all(|code| passing.contains(code));
            let error = explain(&fault);
            if passes { Refused::Conflict(error) } else { Refused::Final(error) }
        })
    }

    async fn finish(&self, target: &Target, commit: &Commit) -> Result<(), Refused> {
        let accounts = commit.accounts.iter().map(|(status, n)| (status.to_string(), number(*n)));
        let fingerprint = match &commit.fingerprint {
            Some(_) => ", fingerprint = :fingerprint",
            None => " REMOVE fingerprint",
        };
        let set = "SET announced = :announced, events_announced = :events_announced, deleted = :deleted, \
                   accounts = :accounts, committed_at = :at";
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(keys(keys::WATCH, keys::head(target))))
            .update_expression(format!("{set}{fingerprint}"))
            .condition_expression(FENCE)
            .expression_attribute_values(":epoch", number(commit.epoch))
            .expression_attribute_values(":announced", number(commit.announced))
            .expression_attribute_values(":events_announced", number(commit.events_announced))
            .expression_attribute_values(":deleted", AttributeValue::Bool(commit.deleted))
            .expression_attribute_values(":accounts", AttributeValue::M(accounts.collect()))
            .expression_attribute_values(":at", text(commit.at.to_string()));
        let update = match &commit.fingerprint {
            Some(fingerprint) => update.expression_attribute_values(":fingerprint", text(fingerprint)),
            None => update,
        };
        update.send().await.map(drop).map_err(|error| refused(&Fault::of("UpdateItem", &error)))
    }
}

impl SnapshotStore for DynamoStore {
    async fn load(&self) -> Result<Heads, StoreError> {
        let (from, to) = keys::watched();
        let query = self.query(keys::WATCH, "sk BETWEEN :from AND :to");
        let query = query.expression_attribute_values(":from", text(from));
        let query = query.expression_attribute_values(":to", text(to));
        let mut heads = Heads::default();
        let take = |item| {
            if sort_key(&item).starts_with(keys::SILENCES) {
                heads.silences.0.extend(silence(item));
            } else if let Some(target) = keys::target_of_head(sort_key(&item)) {
                match decode(&target, item) {
                    Ok(head) => drop(heads.known.insert(target, head)),
                    Err(error) => drop(heads.unreadable.insert(target, error.to_string())),
                }
            }
            Ok(())
        };
        self.each(query, take).await?;
        Ok(heads)
    }

    async fn claim(&self, target: &Target, claim: &Claim) -> Result<(), StoreError> {
        if claim.seen == 0 {
            persist(async || self.first_claim(target, claim).await).await
        } else {
            persist(async || self.next_claim(target, claim).await).await
        }
    }

    async fn rows(&self, target: &Target) -> Result<BTreeMap<AccountId, Row>, StoreError> {
        let query = self.query(keys::partition(target), "begins_with(sk, :accounts)");
        let query =
            query.expression_attribute_values(":accounts", text(keys::ACCOUNTS)).limit(ROWS_IN_A_PAGE);
        let mut rows = Vec::new();
        let take = |item| {
            if let Some(account) = keys::account_of(sort_key(&item)) {
                rows.push((account, decode(target, item)?));
            }
            Ok(())
        };
        self.each(query, take).await?;
        Ok(rows.into_iter().collect())
    }

    async fn record(&self, target: &Target, epoch: u64, changes: &[Change]) -> Result<(), StoreError> {
        persist(async || self.transact(transaction::of(&self.table, target, epoch, changes)?).await).await
    }

    async fn transitions(&self, target: &Target, after: u64) -> Result<Vec<Transition>, StoreError> {
        let (from, to) = keys::transitions_after(after);
        let query = self.query(keys::partition(target), "sk BETWEEN :from AND :to");
        let query = query.expression_attribute_values(":from", text(from));
        let query = query.expression_attribute_values(":to", text(to));
        let mut transitions = Vec::new();
        let take = |item| {
            transitions.push(decode(target, item)?);
            Ok(())
        };
        self.each(query, take).await?;
        Ok(transitions)
    }

    async fn commit(&self, target: &Target, commit: &Commit) -> Result<(), StoreError> {
        persist(async || self.finish(target, commit).await).await
    }
}

impl HistoryReader for DynamoStore {
    async fn history(
        &self,
        target: &Target,
        request: &HistoryRequest,
    ) -> Result<Page<Transition>, StoreError> {
        let pk = keys::partition(target);
        let (from, to) = keys::transitions_after(0);
        let start = request.token.as_ref().map(|token| keys(&*pk, token));
        let query = self.query(&*pk, "sk BETWEEN :from AND :to").consistent_read(false);
        let query = query.expression_attribute_values(":from", text(from));
        let query = query.expression_attribute_values(":to", text(to));
        let query = query.scan_index_forward(request.order == Order::Oldest).set_exclusive_start_key(start);
        let limit = i32::try_from(request.limit).unwrap_or(i32::MAX);
        let page = query.limit(limit).send().await.map_err(|error| explain(&Fault::of("Query", &error)))?;
        let next_token = page.last_evaluated_key.as_ref().map(|last| sort_key(last).to_owned());
        let items = page.items.unwrap_or_default().into_iter();
        let items = items.map(|item| decode(target, item)).collect::<Result<_, _>>()?;
        Ok(Page { items, next_token })
    }
}

impl SilenceStore for DynamoStore {
    async fn silence(&self, silence: &Silence) -> Result<(), StoreError> {
        let item = encode(keys::WATCH.to_owned(), keys::silence(&silence.id), silence)?;
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item)).send().await;
        put.map(drop).map_err(|error| explain(&Fault::of("PutItem", &error)))
    }

    async fn unsilence(&self, id: &str) -> Result<bool, StoreError> {
        let delete = self.client.delete_item().table_name(&self.table);
        let delete = delete.set_key(Some(keys(keys::WATCH, keys::silence(id))));
        let deleted = delete.return_values(ReturnValue::AllOld).send().await;
        let deleted = deleted.map_err(|error| explain(&Fault::of("DeleteItem", &error)))?;
        Ok(deleted.attributes.is_some_and(|attributes| !attributes.is_empty()))
    }
}
