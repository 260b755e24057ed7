//! The snapshot store in a DynamoDB table.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};

use super::connection::Connection;
use super::fault::Fault;
use super::items::{Item, encode, encode_data, key, number, read, sort_key, text};
use super::refusal::{explain, persist, refused};
use crate::model::Target;
use crate::notify::HistoryPlace;
use crate::ports::{LogRequest, Order, Page, SilenceStore, SnapshotStore, StoreError};
use crate::state::commit::{Commit, Snapshot};
use crate::state::head::{Cursors, Head, Heads, Hint, SharedSettings, StoredMessage, Topic};
use crate::state::item::{Chunks, ReadItem, Unreadable};
use crate::state::keys;
use crate::state::log::LogPart;
use crate::state::silence::Silence;
use crate::state::stored::{CursorsItem, MessageItem, SettingsItem, Stored};

/// Snapshots in a DynamoDB table.
#[derive(Debug, Clone)]
pub struct DynamoStore {
    pub(super) client: Client,
    pub(super) table: String,
    region: Option<String>,
}

impl DynamoStore {
    /// The table in the connection's region.
    pub fn new(connection: &Connection, table: &str) -> Self {
        let region = connection.sdk.region().map(ToString::to_string);
        Self { client: Client::new(&connection.sdk), table: table.to_owned(), region }
    }

    /// A consistent Query of one partition, whose further key conditions are the caller's.
    fn query(&self, pk: impl Into<String>, condition: &str) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression(format!("pk = :pk{condition}"))
            .expression_attribute_values(":pk", text(pk))
    }

    /// Takes every item of a query, a page at a time: as DynamoDB's own maps they need five times the room.
    async fn each(
        &self,
        query: QueryFluentBuilder,
        mut take: impl FnMut(ReadItem) -> Result<(), Unreadable>,
    ) -> Result<(), StoreError> {
        let mut pages = query.into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| explain(&Fault::of("Query", &error)))?;
            page.items.unwrap_or_default().into_iter().map(read).try_for_each(&mut take)?;
        }
        Ok(())
    }

    /// One item, consistently.
    async fn item(&self, key: Item) -> Result<Option<Item>, StoreError> {
        let get = self.client.get_item().table_name(&self.table).set_key(Some(key)).consistent_read(true);
        Ok(get.send().await.map_err(|error| explain(&Fault::of("GetItem", &error)))?.item)
    }

    /// A target's head, as it is now.
    pub(super) async fn head(&self, target: &Target) -> Result<Option<Head>, StoreError> {
        let head = self.item(key(keys::HEADS, keys::head(target))).await?;
        Ok(head.map(|head| read(head).head(target)).transpose()?)
    }
}

impl SnapshotStore for DynamoStore {
    fn place(&self) -> HistoryPlace {
        let (table, table_region) = (Some(self.table.clone()), self.region.clone());
        HistoryPlace { table, table_region, ..HistoryPlace::default() }
    }

    async fn load(&self) -> Result<Heads, StoreError> {
        let mut heads = Heads::default();
        self.each(self.query(keys::HEADS, ""), |item| heads.take(item)).await?;
        Ok(heads)
    }

    async fn snapshot(&self, target: &Target) -> Result<Snapshot, StoreError> {
        let query = self.query(keys::partition(target), " AND begins_with(sk, :chunks)");
        let query = query.expression_attribute_values(":chunks", text(keys::CHUNKS));
        let mut chunks = Chunks::default();
        self.each(query, |item| chunks.take(target, item)).await?;
        Ok(chunks.snapshot())
    }

    async fn commit(&self, target: &Target, commit: &Commit) -> Result<(), StoreError> {
        self.transact(target, commit).await
    }

    async fn hint(&self, target: &Target, hint: &Hint) -> Result<(), StoreError> {
        // Only a head that exists: one of a hint alone would keep the first commit away for ever.
        let (set, condition, value) = match hint {
            Hint::FullScanAt(at) => (
                "SET last_full_scan_at = :value",
                "attribute_exists(epoch) AND (attribute_not_exists(last_full_scan_at) OR last_full_scan_at < :value)",
                *at,
            ),
            Hint::FiltersDistrustedUntil(until) => {
                ("SET filters_distrusted_until = :value", "attribute_exists(epoch)", *until)
            }
        };
        persist(async || {
            let update = self.client.update_item().table_name(&self.table).update_expression(set);
            let update = update.set_key(Some(key(keys::HEADS, keys::head(target))));
            let update = update.condition_expression(condition);
            let Err(error) = update.expression_attribute_values(":value", number(value)).send().await else {
                return Ok(());
            };
            match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(()),
                _ => Err(refused(&Fault::of("UpdateItem", &error))),
            }
        })
        .await
    }

    async fn put_settings(&self, settings: &SharedSettings) -> Result<(), StoreError> {
        let item = encode(key(keys::HEADS, keys::SETTINGS), &SettingsItem::new(settings))?;
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item)).send().await;
        put.map(drop).map_err(|error| explain(&Fault::of("PutItem", &error)))
    }

    async fn log(&self, target: &Target, request: &LogRequest) -> Result<Page<LogPart>, StoreError> {
        let (from, to) = keys::parts(request.after, request.until);
        if from > to {
            // DynamoDB takes such a range for a mistake.
            return Ok(Page { items: Vec::new(), next_token: None });
        }
        let pk = keys::partition(target);
        let start = request.token.as_ref().map(|token| key(&*pk, token));
        let query = self.query(pk, " AND sk BETWEEN :from AND :to");
        let query = query.expression_attribute_values(":from", text(from));
        let query = query.expression_attribute_values(":to", text(to));
        let query = query.scan_index_forward(request.order == Order::Oldest).set_exclusive_start_key(start);
        let limit = i32::try_from(request.limit).unwrap_or(i32::MAX);
        let page = query.limit(limit).send().await.map_err(|error| explain(&Fault::of("Query", &error)))?;
        let next_token = page.last_evaluated_key.as_ref().map(|last| sort_key(last).to_owned());
        let items = page.items.unwrap_or_default().into_iter().map(|item| read(item).part(target));
        Ok(Page { items: items.collect::<Result<_, _>>()?, next_token })
    }

    async fn put_cursors(&self, topic: Topic, new: &Cursors) -> Result<(), StoreError> {
        let item = encode(key(keys::HEADS, keys::cursors(topic)), &CursorsItem::from(new))?;
        persist(async || {
            let put = self
                .client
                .put_item()
                .table_name(&self.table)
                .set_item(Some(item.clone()))
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
            let put = match new.version.saturating_sub(1) {
                0 => put.condition_expression("attribute_not_exists(pk)"),
                seen => put
                    .condition_expression("version = :seen")
                    .expression_attribute_values(":seen", number(seen)),
            };
            let Err(error) = put.send().await else { return Ok(()) };
            match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                    // It may have been refused by itself: applied, its reply lost, and sent again.
                    let stored = failed.item().cloned().map(|item| read(item).cursors()).transpose();
                    match stored.map_err(StoreError::from)? {
                        Some(stored) if stored == *new => Ok(()),
                        _ => Err(StoreError::Superseded.into()),
                    }
                }
                _ => Err(refused(&Fault::of("PutItem", &error))),
            }
        })
        .await
    }

    async fn put_message(&self, message: &StoredMessage) -> Result<(), StoreError> {
        let key = key(keys::MESSAGES, keys::message(&message.id));
        let item = encode_data(key, &MessageItem::new(message), &message.data)?;
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item)).send().await;
        put.map(drop).map_err(|error| explain(&Fault::of("PutItem", &error)))
    }

    async fn message(&self, id: &str) -> Result<Option<StoredMessage>, StoreError> {
        let item = self.item(key(keys::MESSAGES, keys::message(id))).await?;
        Ok(item.map(|item| read(item).message(id)).transpose()?)
    }
}

impl SilenceStore for DynamoStore {
    async fn silence(&self, silence: &Silence) -> Result<(), StoreError> {
        let item = encode(key(keys::HEADS, keys::silence(&silence.id)), &Stored::new(silence))?;
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item)).send().await;
        put.map(drop).map_err(|error| explain(&Fault::of("PutItem", &error)))
    }

    async fn unsilence(&self, id: &str) -> Result<bool, StoreError> {
        let delete = self.client.delete_item().table_name(&self.table);
        let delete = delete.set_key(Some(key(keys::HEADS, keys::silence(id))));
        let deleted = delete.return_values(ReturnValue::AllOld).send().await;
        let deleted = deleted.map_err(|error| explain(&Fault::of("DeleteItem", &error)))?;
        Ok(deleted.attributes.is_some_and(|attributes| !attributes.is_empty()))
    }
}
