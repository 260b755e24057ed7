//! The snapshot store in a DynamoDB table.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{CancellationReason, Put, ReturnValue, TransactWriteItem};
use tokio::time::sleep;

use super::connection::Connection;
use super::fault::Fault;
use super::items::{Item, encode, encode_data, key, number, read, sort_key, text};
use crate::model::Target;
use crate::notify::HistoryPlace;
use crate::ports::{LogRequest, Order, Page, SilenceStore, SnapshotStore, StoreError};
use crate::state::commit::{Commit, Snapshot};
use crate::state::head::{Cursors, Head, Heads, Hint, SharedSettings, StoredMessage, Topic};
use crate::state::item::{ReadItem, SettingsItem, Unreadable};
use crate::state::keys;
use crate::state::log::LogPart;
use crate::state::silence::Silence;

/// How often a transaction is tried that met another one on the same item. The SDK does not.
const ATTEMPTS: u32 = 6;

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

    async fn put(&self, item: Item) -> Result<(), StoreError> {
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item)).send().await;
        put.map(drop).map_err(|error| explain(&Fault::of("PutItem", &error)))
    }
}

impl SnapshotStore for DynamoStore {
    fn place(&self) -> HistoryPlace {
        let table_region = self.client.config().region().map(ToString::to_string);
        let table = Some(self.table.clone());
        HistoryPlace { table, table_region, ..HistoryPlace::default() }
    }

    async fn load(&self) -> Result<Heads, StoreError> {
        let mut heads = Heads::default();
        self.each(self.query(keys::HEADS, ""), |item| heads.take(item)).await?;
        Ok(heads)
    }

    async fn snapshot(&self, target: &Target) -> Result<Snapshot, StoreError> {
        let query = self.query(target.partition(), " AND begins_with(sk, :chunks)");
        let query = query.expression_attribute_values(":chunks", text(keys::CHUNKS));
        let mut snapshot = Snapshot::default();
        self.each(query, |item| snapshot.take(target, item)).await?;
        Ok(snapshot)
    }

    async fn commit(&self, target: &Target, commit: &Commit) -> Result<(), StoreError> {
        // The same for each attempt, so that DynamoDB takes them for one transaction.
        let token = format!("{:032x}", fastrand::u128(..));
        let items = actions(&self.table, target, commit)?;
        let write = self.client.transact_write_items().client_request_token(token);
        let write = write.set_transact_items(Some(items));
        let mut attempt = 1;
        let error = loop {
            match write.clone().send().await {
                Ok(_) => return Ok(()),
                Err(error) if attempt < ATTEMPTS && error.as_service_error().is_some_and(passes) => {
                    let longest = 50 * 2_u64.pow(attempt);
                    sleep(Duration::from_millis(fastrand::u64(longest / 2..=longest))).await;
                    attempt += 1;
                }
                Err(error) => break error,
            }
        };
        let why = match error.as_service_error() {
            Some(error) if is_unmet(error) => StoreError::Superseded,
            _ => explain(&Fault::of("TransactWriteItems", &error)),
        };
        // It may have been applied all the same, by an attempt whose reply was lost: the head says who committed.
        let head = self.item(key(keys::HEADS, keys::head(target))).await;
        let head = head.and_then(|item| Ok(item.map(|item| read(item).head(target)).transpose()?));
        let is_ours = |head: &Head| {
            let Head { epoch, run, history_id, .. } = &commit.head;
            (head.epoch, &head.run, &head.history_id) == (*epoch, run, history_id)
        };
        match head {
            Ok(Some(head)) if is_ours(&head) => Ok(()),
            // A head that is newer or damaged closes its pack.
            Err(unread) if why == StoreError::Superseded => Err(unread),
            _ => Err(why),
        }
    }

    async fn hint(&self, target: &Target, hint: &Hint) -> Result<(), StoreError> {
        let (set, value) = match hint {
            Hint::FullScanAt(at) => ("SET last_full_scan_at = :value", *at),
            Hint::FiltersDistrustedUntil(until) => ("SET filters_distrusted_until = :value", *until),
        };
        let update = self.client.update_item().table_name(&self.table).update_expression(set);
        let update = update.set_key(Some(key(keys::HEADS, keys::head(target))));
        // Only a head that exists: one of a hint alone would keep the first commit away for ever.
        let update = update.condition_expression("attribute_exists(epoch)");
        let update = update.expression_attribute_values(":value", number(value));
        let Err(error) = update.send().await else { return Ok(()) };
        match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(()),
            _ => Err(explain(&Fault::of("UpdateItem", &error))),
        }
    }

    async fn put_settings(&self, settings: &SharedSettings) -> Result<(), StoreError> {
        self.put(encode(key(keys::HEADS, keys::SETTINGS), &SettingsItem { settings: settings.clone() })?)
            .await
    }

    async fn log(&self, target: &Target, request: &LogRequest) -> Result<Page<LogPart>, StoreError> {
        let (from, to) = keys::parts(request.after, request.until);
        if from > to {
            // DynamoDB takes such a range for a mistake.
            return Ok(Page { items: Vec::new(), next_token: None });
        }
        let pk = target.partition();
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
        let key = key(keys::HEADS, keys::cursors(topic));
        let item = encode(key.clone(), new)?;
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        let put = match new.version.saturating_sub(1) {
            0 => put.condition_expression("attribute_not_exists(pk)"),
            seen => {
                put.condition_expression("version = :seen").expression_attribute_values(":seen", number(seen))
            }
        };
        let Err(error) = put.send().await else { return Ok(()) };
        match error.as_service_error() {
            // It may have been refused by itself: applied, its reply lost, and sent again.
            Some(PutItemError::ConditionalCheckFailedException(_)) => {
                match self.item(key).await?.map(|item| read(item).cursors()).transpose()? {
                    Some(stored) if stored == *new => Ok(()),
                    _ => Err(StoreError::Superseded),
                }
            }
            _ => Err(explain(&Fault::of("PutItem", &error))),
        }
    }

    async fn put_message(&self, message: &StoredMessage) -> Result<(), StoreError> {
        let key = key(keys::MESSAGES, keys::message(&message.id));
        self.put(encode_data(key, message, &message.data)?).await
    }

    async fn message(&self, id: &str) -> Result<Option<StoredMessage>, StoreError> {
        let item = self.item(key(keys::MESSAGES, keys::message(id))).await?;
        Ok(item.map(|item| read(item).message(id)).transpose()?)
    }
}

impl SilenceStore for DynamoStore {
    async fn silence(&self, silence: &Silence) -> Result<(), StoreError> {
        self.put(encode(key(keys::HEADS, keys::silence(&silence.id)), silence)?).await
    }

    async fn unsilence(&self, id: &str) -> Result<bool, StoreError> {
        let delete = self.client.delete_item().table_name(&self.table);
        let delete = delete.set_key(Some(key(keys::HEADS, keys::silence(id))));
        let deleted = delete.return_values(ReturnValue::AllOld).send().await;
        let deleted = deleted.map_err(|error| explain(&Fault::of("DeleteItem", &error)))?;
        Ok(deleted.attributes.is_some_and(|attributes| !attributes.is_empty()))
    }
}

/// The actions of a commit. The head's is the first, and the only one with a condition: [`Commit::fits`].
fn actions(table: &str, target: &Target, commit: &Commit) -> Result<Vec<TransactWriteItem>, StoreError> {
    let head = &commit.head;
    let of_target = |sk| key(target.partition(), sk);
    let put = |item: Item| Put::builder().table_name(table).set_item(Some(item));
    let put_head = put(encode(key(keys::HEADS, keys::head(target)), head)?);
    let put_head = match head.epoch.saturating_sub(1) {
        0 => put_head.condition_expression("attribute_not_exists(pk)"),
        seen => put_head
            .condition_expression("epoch = :seen AND history_id = :history")
            .expression_attribute_values(":seen", number(seen))
            .expression_attribute_values(":history", text(&head.history_id)),
    };
    let mut puts = vec![put_head];
    for chunk in &commit.chunks {
        puts.push(put(encode_data(of_target(keys::chunk(chunk.number)), chunk, &chunk.data)?));
    }
    for part in &commit.parts {
        puts.push(put(encode_data(of_target(keys::part(part.position)), part, &part.data)?));
    }
    let puts = puts.into_iter().map(|put| Ok(TransactWriteItem::builder().put(put.build()?).build()));
    let actions: Result<_, BuildError> = puts.collect();
    actions.map_err(|error| StoreError::Unavailable(error.to_string()))
}

/// Whether its condition was not met.
fn is_unmet(error: &TransactWriteItemsError) -> bool {
    reasons(error).iter().any(|reason| reason.code() == Some("ConditionalCheckFailed"))
}

/// Whether it was cancelled only for what passes: nothing was applied.
fn passes(error: &TransactWriteItemsError) -> bool {
    let mut codes = reasons(error).iter().filter_map(CancellationReason::code).filter(|code| *code != "None");
    let passing = ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"];
    error.is_transaction_canceled_exception() && codes.all(|code| passing.contains(&code))
}

fn reasons(error: &TransactWriteItemsError) -> &[CancellationReason] {
    match error {
        TransactWriteItemsError::TransactionCanceledException(cancelled) => cancelled.cancellation_reasons(),
        _ => &[],
    }
}

fn explain(fault: &Fault) -> StoreError {
    let why = fault.message.clone();
    if fault.is_denied() { StoreError::Denied(why) } else { StoreError::Unavailable(why) }
}
