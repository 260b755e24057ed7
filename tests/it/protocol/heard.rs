//! What SNS accepted, by the ids of the records that it tells.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::world::World;

/// What SNS accepted on one topic: which record was told, with what, as often as it came.
#[derive(Default)]
pub(crate) struct Heard {
    /// What each id was told with.
    pub(crate) contents: BTreeMap<String, Vec<Value>>,
    /// Of an entry of a digest, how many earlier records of its account it stands for.
    earlier: BTreeMap<String, Vec<usize>>,
    /// What digests count and do not name.
    pub(crate) unnamed: usize,
}

impl Heard {
    pub(crate) fn of(world: &World, topic: &str) -> Self {
        Self::of_documents(world.messages_to(topic).iter().map(|message| message.json_for("default")))
    }

    pub(crate) fn of_documents(documents: impl Iterator<Item = Value>) -> Self {
        let mut heard = Self::default();
        for document in documents {
            let Some(packs) = document["Packs"].as_array() else {
                heard.hear(&document);
                continue;
            };
            let counted: u64 =
                document["Counts"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
            let named = |pack: &Value| {
                pack["Transitions"].as_array().unwrap().len() + usize::from(pack["Id"].is_string())
            };
            heard.unnamed += counted as usize - packs.iter().map(named).sum::<usize>();
            for pack in packs {
                if pack["Id"].is_string() {
                    heard.contents.entry(id(pack)).or_default().push(json!([pack["Type"]]));
                }
                pack["Transitions"].as_array().unwrap().iter().for_each(|notice| heard.hear(notice));
            }
        }
        heard
    }

    fn hear(&mut self, notice: &Value) {
        // A lesser form lacks AWS Config's words, or the states altogether.
        let mut now = notice["To"].clone();
        now.as_object_mut().and_then(|now| now.remove("ErrorMessage"));
        let content = match &notice["AccountId"] {
            Value::Null => json!([notice["Kind"]]),
            account if now.is_null() && notice["Kind"] != "Left" => json!([notice["Kind"], account]),
            account => json!([notice["Kind"], account, now]),
        };
        self.contents.entry(id(notice)).or_default().push(content);
        let earlier = notice["Earlier"].as_array().map_or(0, Vec::len);
        self.earlier.entry(id(notice)).or_default().push(earlier);
    }

    /// How often each of these records of one account, in their order, was told.
    pub(crate) fn times(&self, ids: &[String]) -> Vec<usize> {
        let mut times = vec![0; ids.len()];
        for (n, id) in ids.iter().enumerate() {
            for earlier in self.earlier.get(id).into_iter().flatten() {
                times[n.saturating_sub(*earlier)..=n].iter_mut().for_each(|times| *times += 1);
            }
        }
        times
    }
}

fn id(notice: &Value) -> String {
    notice["Id"].as_str().unwrap().to_owned()
}
