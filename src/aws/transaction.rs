//! The transaction that records changes: the fence, then a row and a transition for each.

use aws_sdk_dynamodb::types::{ConditionCheck, Delete, Put, TransactWriteItem};

use super::items::{Item, encode, keys, number};
use super::refusal::malformed;
use crate::model::Target;
use crate::ports::StoreError;
use crate::state::heads::Change;
use crate::state::keys;

/// The condition of every fenced write.
pub(super) const FENCE: &str = "epoch = :epoch";

/// Its actions.
pub(super) fn of(
    table: &str,
    target: &Target,
    epoch: u64,
    changes: &[Change],
) -> Result<Vec<TransactWriteItem>, StoreError> {
    let pk = || keys::partition(target);
    let mut actions = vec![fence(table, target, epoch)?];
    for change in changes {
        let sk = keys::account(change.account);
        actions.push(match &change.row {
            Some(row) => put(table, encode(pk(), sk, row)?)?,
            None => delete(table, keys(pk(), sk))?,
        });
        if let Some(transition) = &change.transition {
            let sk = keys::transition(transition.epoch, transition.account);
            actions.push(put(table, encode(pk(), sk, transition)?)?);
        }
    }
    Ok(actions)
}

fn fence(table: &str, target: &Target, epoch: u64) -> Result<TransactWriteItem, StoreError> {
    let check = ConditionCheck::builder()
        .table_name(table)
        .set_key(Some(keys(keys::WATCH, keys::head(target))))
        .condition_expression(FENCE)
        .expression_attribute_values(":epoch", number(epoch));
    let check = check.build().map_err(malformed)?;
    Ok(TransactWriteItem::builder().condition_check(check).build())
}

fn put(table: &str, item: Item) -> Result<TransactWriteItem, StoreError> {
    let put = Put::builder().table_name(table).set_item(Some(item)).build().map_err(malformed)?;
    Ok(TransactWriteItem::builder().put(put).build())
}

fn delete(table: &str, key: Item) -> Result<TransactWriteItem, StoreError> {
    let delete = Delete::builder().table_name(table).set_key(Some(key)).build().map_err(malformed)?;
    Ok(TransactWriteItem::builder().delete(delete).build())
}
