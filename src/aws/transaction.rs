//! The transaction that records changes: the fence, which is the closing's change of the head where there is one, then a row
//! and a transition for each change, and the pack's own record.

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    ConditionCheck, Delete, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};

use super::fault::Fault;
use super::head_update::{Condition, HeadUpdate};
use super::items::{Item, decode, encode, head_key, key};
use super::refusal::{Refused, explain, malformed, persist, refused};
use super::table::Table;
use crate::model::Target;
use crate::ports::StoreError;
use crate::state::heads::{Change, Closing, Head, Stored};
use crate::state::keys;
use crate::state::log::Position;

/// Its actions; the head's is the first.
fn actions(
    table: &str,
    target: &Target,
    epoch: u64,
    changes: &[Change],
    closing: Option<&Closing>,
) -> Result<Vec<TransactWriteItem>, StoreError> {
    let pk = || keys::partition(target);
    let mut actions = vec![match closing {
        Some(closing) => update(table, target, HeadUpdate::closing(epoch, closing))?,
        None => fence(table, target, Condition::fence(epoch))?,
    }];
    for change in changes {
        let sk = keys::account(change.account);
        actions.push(match &change.row {
            Some(row) => put(table, encode(pk(), sk, &Stored::new(row))?)?,
            None => delete(table, key(pk(), sk))?,
        });
        if let Some(transition) = &change.transition {
            let sk = keys::record(Position::of(transition));
            actions.push(put(table, encode(pk(), sk, &Stored::new(&**transition))?)?);
        }
    }
    if let Some(notice) = closing.and_then(Closing::notice) {
        actions.push(put(table, encode(pk(), keys::record(notice.position()), &Stored::new(notice))?)?);
    }
    Ok(actions)
}

fn fence(table: &str, target: &Target, condition: Condition) -> Result<TransactWriteItem, StoreError> {
    let check = ConditionCheck::builder()
        .table_name(table)
        .set_key(Some(head_key(target)))
        .condition_expression(condition.expression)
        .expression_attribute_names("#schema", "schema")
        .set_expression_attribute_values(Some(condition.values))
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    Ok(TransactWriteItem::builder().condition_check(check.build().map_err(malformed)?).build())
}

fn update(table: &str, target: &Target, update: HeadUpdate) -> Result<TransactWriteItem, StoreError> {
    let HeadUpdate { condition, expression } = update;
    let update = Update::builder()
        .table_name(table)
        .set_key(Some(head_key(target)))
        .update_expression(expression)
        .condition_expression(condition.expression)
        .expression_attribute_names("#schema", "schema")
        .set_expression_attribute_values(Some(condition.values))
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    Ok(TransactWriteItem::builder().update(update.build().map_err(malformed)?).build())
}

fn put(table: &str, item: Item) -> Result<TransactWriteItem, StoreError> {
    let put = Put::builder().table_name(table).set_item(Some(item)).build().map_err(malformed)?;
    Ok(TransactWriteItem::builder().put(put).build())
}

fn delete(table: &str, key: Item) -> Result<TransactWriteItem, StoreError> {
    let delete = Delete::builder().table_name(table).set_key(Some(key)).build().map_err(malformed)?;
    Ok(TransactWriteItem::builder().delete(delete).build())
}

/// Reasons that pass, and for which nothing was applied.
const PASSING: [&str; 3] = ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"];

impl Table {
    /// Records changes, all or none, if the head's epoch is still this one.
    pub(super) async fn record(
        &self,
        target: &Target,
        epoch: u64,
        changes: &[Change],
        closing: Option<&Closing>,
    ) -> Result<(), StoreError> {
        // The same for each attempt, so that DynamoDB takes them for one transaction.
        let token = format!("{:032x}", fastrand::u128(..));
        persist(async || {
            let actions = actions(&self.name, target, epoch, changes, closing)?;
            self.transact(target, &token, actions).await
        })
        .await
    }

    async fn transact(
        &self,
        target: &Target,
        token: &str,
        actions: Vec<TransactWriteItem>,
    ) -> Result<(), Refused> {
        let write = self.client.transact_write_items().set_transact_items(Some(actions));
        let Err(error) = write.client_request_token(token).send().await else { return Ok(()) };
        let fault = Fault::of("TransactWriteItems", &error);
        let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error()
        else {
            return Err(refused(&fault));
        };
        let reasons = cancelled.cancellation_reasons();
        let codes = || reasons.iter().filter_map(|reason| reason.code()).filter(|code| *code != "None");
        if let Some(unmet) = reasons.iter().find(|reason| reason.code() == Some("ConditionalCheckFailed")) {
            // Only the head's action has a condition.
            let newer = unmet.item().and_then(|head| decode::<Head>(target, head.clone()).err());
            return Err(Refused::Final(newer.unwrap_or(StoreError::Superseded)));
        }
        let error = explain(&fault);
        let passes = codes().all(|code| PASSING.contains(&code));
        Err(if passes { Refused::Conflict(error) } else { Refused::Final(error) })
    }
}
