//! The changes of a head, as DynamoDB is told them: each has in its condition what the function of
//! [`crate::state::heads`] looks at, and in its expression what that function does.

use aws_sdk_dynamodb::types::AttributeValue;

use super::items::{Item, counts, number, seconds, text};
use crate::state::heads::{Advance, Claim, Closing, Finish, Mark, Note, SCHEMA};
use crate::state::log::Position;

/// Nothing is written over what a newer packwatch wrote.
const KNOWN: &str = "(attribute_not_exists(#schema) OR #schema <= :known)";

/// A condition that a head must meet, with the values that it names.
///
/// Each asks for a value that only a head has: none can be made out of nothing.
pub(super) struct Condition {
    pub(super) expression: String,
    pub(super) values: Item,
}

impl Condition {
    fn new<const N: usize>(expression: &str, values: [(&str, AttributeValue); N]) -> Self {
        let known = (":known", number(SCHEMA.into()));
        let values = values.into_iter().chain([known]).map(|(name, value)| (name.to_owned(), value));
        Self { expression: format!("({expression}) AND {KNOWN}"), values: values.collect() }
    }

    /// That the run's claim is the last one.
    pub(super) fn fence(epoch: u64) -> Self {
        Self::new("epoch = :epoch", [(":epoch", number(epoch))])
    }

    /// That this is the head's epoch, and neither topic lacks anything of it.
    fn told_up_to(epoch: u64) -> Self {
        Self::new(
            "epoch = :epoch AND people >= :end \
             AND (attribute_not_exists(listens) OR listens <> :true OR machines >= :end)",
            [
                (":epoch", number(epoch)),
                (":end", text(Position::end_of(epoch).to_string())),
                (":true", AttributeValue::Bool(true)),
            ],
        )
    }
}

/// A change of a head that meets a condition.
pub(super) struct HeadUpdate {
    pub(super) condition: Condition,
    pub(super) expression: String,
}

impl HeadUpdate {
    fn new<const N: usize>(
        condition: Condition,
        expression: &str,
        values: [(&str, AttributeValue); N],
    ) -> Self {
        let Condition { expression: condition, values: mut all } = condition;
        all.extend(values.into_iter().map(|(name, value)| (name.to_owned(), value)));
        Self {
            condition: Condition { expression: condition, values: all },
            expression: expression.to_owned(),
        }
    }

    /// [`Claim::applied_to`] a head that exists.
    pub(super) fn claim(claim: &Claim) -> Self {
        Self::new(
            Condition::new("epoch = :seen", [(":seen", number(claim.seen))]),
            "SET epoch = :next, claimed_by = :run REMOVE fingerprint, unwell",
            [(":next", number(claim.epoch())), (":run", text(&claim.run))],
        )
    }

    /// [`Closing::applied_to`].
    pub(super) fn closing(epoch: u64, closing: &Closing) -> Self {
        let fence = Condition::fence(epoch);
        match closing {
            Closing::Counted(accounts) => {
                Self::new(fence, "SET accounts = :accounts", [(":accounts", counts(accounts))])
            }
            Closing::Begun(accounts, _) => Self::new(
                fence,
                "SET life = :epoch, accounts = :accounts REMOVE deleted",
                [(":accounts", counts(accounts))],
            ),
            Closing::Gone(_) => Self::new(
                fence,
                "SET floor = :epoch, deleted = :true, accounts = :none REMOVE life",
                [(":true", AttributeValue::Bool(true)), (":none", AttributeValue::M(Item::new()))],
            ),
        }
    }

    /// [`Advance::applied_to`].
    pub(super) fn advance(advance: &Advance) -> Self {
        let to = [(":to", text(advance.to.to_string())), (":born", text(&advance.born))];
        match advance.mark {
            Mark::People => {
                Self::new(Condition::new("born = :born AND people < :to", to), "SET people = :to", [])
            }
            Mark::Machines => Self::new(
                Condition::new("born = :born AND epoch = :epoch AND machines < :to", to),
                "SET machines = :to",
                [(":epoch", number(advance.epoch))],
            ),
        }
    }

    /// [`Finish::applied_to`].
    pub(super) fn finish(finish: &Finish) -> Self {
        let (mut set, mut remove) = ("SET committed_at = :at".to_owned(), Vec::new());
        match &finish.fingerprint {
            Some(_) => set.push_str(", fingerprint = :fingerprint"),
            None => remove.push("fingerprint"),
        }
        match &finish.unwell {
            Some(_) => set.push_str(", unwell = :unwell"),
            None => remove.push("unwell"),
        }
        if !remove.is_empty() {
            set.push_str(&format!(" REMOVE {}", remove.join(", ")));
        }
        let at = [(":at", text(finish.at.to_string()))];
        let mut update = Self::new(Condition::told_up_to(finish.epoch), &set, at);
        let fingerprints = [(":fingerprint", &finish.fingerprint), (":unwell", &finish.unwell)];
        let some =
            fingerprints.into_iter().filter_map(|(name, of)| Some((name.to_owned(), text(of.clone()?))));
        update.condition.values.extend(some);
        update
    }

    /// [`crate::state::heads::listening`].
    pub(super) fn listen(listens: bool) -> Self {
        let condition = "attribute_exists(epoch) AND (attribute_not_exists(listens) OR listens <> :listens)";
        Self::new(
            Condition::new(condition, [(":listens", AttributeValue::Bool(listens))]),
            "SET listens = :listens REMOVE fingerprint, unwell",
            [],
        )
    }

    /// [`Note::applied_to`] a head that exists.
    pub(super) fn note(note: &Note) -> Self {
        match note {
            Note::Unwell { epoch, unwell } => {
                Self::new(Condition::told_up_to(*epoch), "SET unwell = :unwell", [(":unwell", text(unwell))])
            }
            Note::WholeAt { at, now } => Self::new(
                Condition::new(
                    "attribute_exists(epoch) AND (attribute_not_exists(whole_at) OR whole_at < :at OR whole_at > :now)",
                    [(":at", seconds(*at)), (":now", seconds(*now))],
                ),
                "SET whole_at = :at",
                [],
            ),
            Note::WholeUntil(until) => Self::new(
                Condition::new("attribute_exists(epoch)", []),
                "SET whole_until = :until",
                [(":until", seconds(*until))],
            ),
        }
    }
}
