//! A commit as one DynamoDB transaction.

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{Delete, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem};

use super::dynamodb::DynamoStore;
use super::fault::Fault;
use super::items::{Item, encode, encode_data, key, number, read, text};
use super::refusal::{Refused, explain, malformed, persist, refused};
use crate::model::Target;
use crate::ports::StoreError;
use crate::state::commit::Commit;
use crate::state::head::Head;
use crate::state::keys;
use crate::state::stored::{ChunkItem, PartItem};

/// Reasons that pass, and for which nothing was applied.
const PASSING: [&str; 3] = ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"];

/// Its actions; the head's is the first, and the only one with a condition.
fn actions(table: &str, target: &Target, commit: &Commit) -> Result<Vec<TransactWriteItem>, StoreError> {
    let of_target = |sk| key(keys::partition(target), sk);
    let mut actions = vec![put_head(table, target, &commit.head)?];
    for chunk in &commit.chunks {
        let item = ChunkItem::new(chunk, commit.head.epoch);
        actions.push(put(table, encode_data(of_target(keys::chunk(chunk.number)), &item, &chunk.data)?)?);
    }
    for chunk in &commit.dropped {
        let delete = Delete::builder().table_name(table).set_key(Some(of_target(keys::chunk(*chunk))));
        let delete = delete.build().map_err(malformed)?;
        actions.push(TransactWriteItem::builder().delete(delete).build());
    }
    for part in &commit.parts {
        let item = PartItem::new(part);
        actions.push(put(table, encode_data(of_target(keys::part(part.position)), &item, &part.data)?)?);
    }
    Ok(actions)
}

fn put(table: &str, item: Item) -> Result<TransactWriteItem, StoreError> {
    let put = Put::builder().table_name(table).set_item(Some(item)).build().map_err(malformed)?;
    Ok(TransactWriteItem::builder().put(put).build())
}

/// The head, written on the epoch before ([`Commit::fits`]).
fn put_head(table: &str, target: &Target, head: &Head) -> Result<TransactWriteItem, StoreError> {
    let put = Put::builder()
        .table_name(table)
        .set_item(Some(encode(key(keys::HEADS, keys::head(target)), head)?))
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    let put = match head.epoch.saturating_sub(1) {
        0 => put.condition_expression("attribute_not_exists(pk)"),
        seen => put
            .condition_expression("epoch = :seen AND history_id = :history")
            .expression_attribute_values(":seen", number(seen))
            .expression_attribute_values(":history", text(&head.history_id)),
    };
    Ok(TransactWriteItem::builder().put(put.build().map_err(malformed)?).build())
}

impl DynamoStore {
    /// Writes all of a commit, or nothing.
    pub(super) async fn transact(&self, target: &Target, commit: &Commit) -> Result<(), StoreError> {
        // The same for each attempt, so that DynamoDB takes them for one transaction.
        let token = format!("{:032x}", fastrand::u128(..));
        let written = persist(async || {
            let write = self.client.transact_write_items();
            let write = write.set_transact_items(Some(actions(&self.table, target, commit)?));
            let Err(error) = write.client_request_token(&token).send().await else { return Ok(()) };
            let fault = Fault::of("TransactWriteItems", &error);
            match error.as_service_error() {
                Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                    let reasons = cancelled.cancellation_reasons();
                    let unmet = reasons.iter().find(|reason| reason.code() == Some("ConditionalCheckFailed"));
                    if let Some(unmet) = unmet {
                        return lost(target, commit, unmet.item().cloned()).map_err(Refused::Final);
                    }
                    let codes = reasons.iter().filter_map(|reason| reason.code());
                    let passes = codes.filter(|code| *code != "None").all(|code| PASSING.contains(&code));
                    let error = explain(&fault);
                    Err(if passes { Refused::Conflict(error) } else { Refused::Final(error) })
                }
                _ => Err(refused(&fault)),
            }
        })
        .await;
        match written {
            // It may have been applied all the same: the head says who committed.
            Err(StoreError::Unavailable(why)) => match self.head(target).await {
                Ok(Some(head)) if is_by(&head, commit) => Ok(()),
                _ => Err(StoreError::Unavailable(why)),
            },
            written => written,
        }
    }
}

/// Why the condition did not hold, by the head that was found: the commit may have been refused by itself, applied before
/// with its reply lost.
fn lost(target: &Target, commit: &Commit, found: Option<Item>) -> Result<(), StoreError> {
    let head = read(found.ok_or(StoreError::Superseded)?).head(target)?;
    if is_by(&head, commit) { Ok(()) } else { Err(StoreError::Superseded) }
}

fn is_by(head: &Head, commit: &Commit) -> bool {
    (head.epoch, &head.run, &head.history_id)
        == (commit.head.epoch, &commit.head.run, &commit.head.history_id)
}
