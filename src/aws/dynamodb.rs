//! The snapshot store in a DynamoDB table.

use std::collections::BTreeMap;

use super::connection::Connection;
use super::fault::Fault;
use super::items::{Item, decode, encode, key, record, row, silence, sort_key, text};
use super::refusal::explain;
use super::table::Table;
use crate::model::{AccountId, Target};
use crate::ports::{
    HistoryReader, HistoryRequest, LogRequest, Order, Page, SilenceStore, SnapshotStore, StoreError,
};
use crate::state::heads::{Advance, Change, Claim, Closing, Finish, Head, Heads, Note, Stored};
use crate::state::keys;
use crate::state::log::Record;
use crate::state::silence::Silence;
use crate::state::{Row, Transition};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::ReturnValue;

/// A page of rows, where DynamoDB would give up to 1 MB of them: 9,000, which take 9 MB when they are decoded.
const ROWS_IN_A_PAGE: i32 = 2000;

/// Snapshots in a DynamoDB table.
#[derive(Debug, Clone)]
pub struct DynamoStore {
    table: Table,
}

impl DynamoStore {
    /// The table in the connection's region.
    pub fn new(connection: &Connection, table: &str) -> Self {
        Self { table: Table { client: Client::new(&connection.sdk), name: table.to_owned() } }
    }

    /// A consistent Query of one partition, whose key conditions are the caller's.
    fn query(&self, pk: impl Into<String>, condition: &str) -> QueryFluentBuilder {
        self.table
            .client
            .query()
            .table_name(&self.table.name)
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

    /// A page of a range of the target's log, both ends included, and where the next one begins.
    async fn page(
        &self,
        target: &Target,
        (from, to): (String, String),
        (order, limit, token): (Order, u32, Option<&String>),
        consistently: bool,
    ) -> Result<Page<Record>, StoreError> {
        if from > to {
            // DynamoDB takes such a range for a mistake.
            return Ok(Page { items: Vec::new(), next_token: None });
        }
        let pk = keys::partition(target);
        let start = token.map(|token| key(&*pk, token));
        let query = self.query(pk, "sk BETWEEN :from AND :to").consistent_read(consistently);
        let query = query.expression_attribute_values(":from", text(from));
        let query = query.expression_attribute_values(":to", text(to));
        let query = query.scan_index_forward(order == Order::Oldest).set_exclusive_start_key(start);
        let limit = i32::try_from(limit).unwrap_or(i32::MAX);
        let page = query.limit(limit).send().await.map_err(|error| explain(&Fault::of("Query", &error)))?;
        let next_token = page.last_evaluated_key.as_ref().map(|last| sort_key(last).to_owned());
        let items = page.items.unwrap_or_default().into_iter().map(|item| record(target, item));
        Ok(Page { items: items.collect::<Result<_, _>>()?, next_token })
    }
}

impl SnapshotStore for DynamoStore {
    fn table(&self) -> Option<&str> {
        Some(&self.table.name)
    }

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
                    Ok(head) => {
                        heads.known.insert(target, head);
                    }
                    Err(error) => {
                        heads.unreadable.insert(target, error.to_string());
                    }
                }
            }
            Ok(())
        };
        self.each(query, take).await?;
        Ok(heads)
    }

    async fn claim(&self, target: &Target, claim: &Claim) -> Result<Head, StoreError> {
        self.table.claim(target, claim).await
    }

    async fn rows(&self, target: &Target) -> Result<BTreeMap<AccountId, Row>, StoreError> {
        let query = self.query(keys::partition(target), "begins_with(sk, :accounts)");
        let query =
            query.expression_attribute_values(":accounts", text(keys::ACCOUNTS)).limit(ROWS_IN_A_PAGE);
        let mut rows = Vec::new();
        let take = |item| {
            rows.extend(row(target, item)?);
            Ok(())
        };
        self.each(query, take).await?;
        Ok(rows.into_iter().collect())
    }

    async fn record(
        &self,
        target: &Target,
        epoch: u64,
        changes: &[Change],
        closing: Option<&Closing>,
    ) -> Result<(), StoreError> {
        self.table.record(target, epoch, changes, closing).await
    }

    async fn log(&self, target: &Target, request: &LogRequest) -> Result<Page<Record>, StoreError> {
        let range = keys::records(request.after, request.until);
        let paging = (request.order, request.limit, request.token.as_ref());
        self.page(target, range, paging, true).await
    }

    async fn advance(&self, target: &Target, advance: &Advance) -> Result<(), StoreError> {
        self.table.advance(target, advance).await
    }

    async fn finish(&self, target: &Target, finish: &Finish) -> Result<(), StoreError> {
        self.table.finish(target, finish).await
    }

    async fn listen(&self, target: &Target, listens: bool) -> Result<(), StoreError> {
        self.table.listen(target, listens).await
    }

    async fn remember(&self, target: &Target, note: &Note) -> Result<(), StoreError> {
        self.table.remember(target, note).await
    }
}

impl HistoryReader for DynamoStore {
    async fn history(
        &self,
        target: &Target,
        request: &HistoryRequest,
    ) -> Result<Page<Transition>, StoreError> {
        let paging = (request.order, request.limit, request.token.as_ref());
        let page = self.page(target, keys::log(), paging, false).await?;
        Ok(Page {
            items: page.items.into_iter().filter_map(Record::transition).collect(),
            next_token: page.next_token,
        })
    }
}

impl SilenceStore for DynamoStore {
    async fn silence(&self, silence: &Silence) -> Result<(), StoreError> {
        let item = encode(keys::WATCH.to_owned(), keys::silence(&silence.id), &Stored::new(silence))?;
        let put = self.table.client.put_item().table_name(&self.table.name).set_item(Some(item)).send().await;
        put.map(drop).map_err(|error| explain(&Fault::of("PutItem", &error)))
    }

    async fn unsilence(&self, id: &str) -> Result<bool, StoreError> {
        let delete = self.table.client.delete_item().table_name(&self.table.name);
        let delete = delete.set_key(Some(key(keys::WATCH, keys::silence(id))));
        let deleted = delete.return_values(ReturnValue::AllOld).send().await;
        let deleted = deleted.map_err(|error| explain(&Fault::of("DeleteItem", &error)))?;
        Ok(deleted.attributes.is_some_and(|attributes| !attributes.is_empty()))
    }
}
