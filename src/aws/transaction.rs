//! A commit as one DynamoDB transaction.

use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{CancellationReason, Put, TransactWriteItem};

use super::items::{Item, encode, encode_data, key, number, text};
use crate::model::Target;
use crate::ports::StoreError;
use crate::state::commit::Commit;
use crate::state::keys;

/// Its actions. The head's is the first, and the only one with a condition: [`Commit::fits`].
pub(super) fn actions(
    table: &str,
    target: &Target,
    commit: &Commit,
) -> Result<Vec<TransactWriteItem>, StoreError> {
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
pub(super) fn is_unmet(error: &TransactWriteItemsError) -> bool {
    reasons(error).iter().any(|reason| reason.code() == Some("ConditionalCheckFailed"))
}

/// Whether it was cancelled only for what passes: nothing was applied.
pub(super) fn passes(error: &TransactWriteItemsError) -> bool {
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
