//! The writes of a head alone. Where a condition does not hold, DynamoDB shows the head for which it did not, and what that
//! means is asked of the same functions that the other stores apply.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};

use super::fault::Fault;
use super::head_update::HeadUpdate;
use super::items::{Item, decode, encode, head_key, text};
use super::refusal::{Refused, persist, refused};
use super::table::Table;
use crate::model::Target;
use crate::ports::StoreError;
use crate::state::heads::{Advance, Claim, Finish, Head, Note, Stored};
use crate::state::keys;

/// What became of a write.
enum Written {
    /// The head is this now.
    Now(Item),
    /// The condition did not hold for this head, or for want of one.
    Unmet(Option<Item>),
}

/// The head for which a condition did not hold. Without one, nothing that the run goes by is left.
fn unmet(target: &Target, head: Option<Item>) -> Result<Head, StoreError> {
    decode(target, head.ok_or(StoreError::Superseded)?)
}

impl Table {
    pub(super) async fn claim(&self, target: &Target, claim: &Claim) -> Result<Head, StoreError> {
        let written = if claim.seen == 0 {
            persist(async || self.put_first(target, claim).await).await?
        } else {
            self.update(target, &HeadUpdate::claim(claim)).await?
        };
        match written {
            Written::Now(head) => decode(target, head),
            Written::Unmet(found) => {
                // It may have been refused by itself: applied, its reply lost, and sent again.
                let run = text(&claim.run);
                let by_this_run = found.as_ref().is_some_and(|head| head.get("claimed_by") == Some(&run));
                let head = unmet(target, found)?;
                let is_own = by_this_run && head.epoch == claim.epoch();
                if is_own { Ok(head) } else { Err(StoreError::Superseded) }
            }
        }
    }

    pub(super) async fn advance(&self, target: &Target, advance: &Advance) -> Result<(), StoreError> {
        match self.update(target, &HeadUpdate::advance(advance)).await? {
            Written::Now(_) => Ok(()),
            Written::Unmet(found) => {
                let stays = advance.applied_to(&unmet(target, found)?);
                stays.map(drop).ok_or(StoreError::Superseded)
            }
        }
    }

    pub(super) async fn finish(&self, target: &Target, finish: &Finish) -> Result<(), StoreError> {
        match self.update(target, &HeadUpdate::finish(finish)).await? {
            Written::Now(_) => Ok(()),
            Written::Unmet(found) => unmet(target, found).and(Err(StoreError::Superseded)),
        }
    }

    pub(super) async fn listen(&self, target: &Target, listens: bool) -> Result<(), StoreError> {
        match self.update(target, &HeadUpdate::listen(listens)).await? {
            // There is no head, or it says so already.
            Written::Unmet(found) => found.map_or(Ok(()), |head| decode::<Head>(target, head).map(drop)),
            Written::Now(_) => Ok(()),
        }
    }

    pub(super) async fn remember(&self, target: &Target, note: &Note) -> Result<(), StoreError> {
        match self.update(target, &HeadUpdate::note(note)).await? {
            // There is no head, or it says otherwise by now.
            Written::Unmet(found) => found.map_or(Ok(()), |head| decode::<Head>(target, head).map(drop)),
            Written::Now(_) => Ok(()),
        }
    }

    async fn put_first(&self, target: &Target, claim: &Claim) -> Result<Written, Refused> {
        let mut head = encode(keys::WATCH.to_owned(), keys::head(target), &Stored::new(claim.first_head()))?;
        head.insert("claimed_by".to_owned(), text(&claim.run));
        let put = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(head.clone()))
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match put {
            Ok(_) => Ok(Written::Now(head)),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                    Ok(Written::Unmet(failed.item().cloned()))
                }
                _ => Err(refused(&Fault::of("PutItem", &error))),
            },
        }
    }

    async fn update(&self, target: &Target, update: &HeadUpdate) -> Result<Written, StoreError> {
        persist(async || self.update_once(target, update).await).await
    }

    async fn update_once(&self, target: &Target, update: &HeadUpdate) -> Result<Written, Refused> {
        let updated = self
            .client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(head_key(target)))
            .update_expression(&update.expression)
            .condition_expression(&update.condition.expression)
            .expression_attribute_names("#schema", "schema")
            .set_expression_attribute_values(Some(update.condition.values.clone()))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match updated {
            Ok(updated) => Ok(Written::Now(updated.attributes.unwrap_or_default())),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    Ok(Written::Unmet(failed.item().cloned()))
                }
                _ => Err(refused(&Fault::of("UpdateItem", &error))),
            },
        }
    }
}
