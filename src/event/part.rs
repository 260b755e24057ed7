//! The part of the work that a schedule gives in its input.

use serde::Deserialize;
use serde_json::Value;

use super::error::{EventError, quoted};
use crate::model::Region;
use crate::settings::PackFilter;
use crate::watch::request::Part;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct PartEvent {
    regions: Option<Vec<Region>>,
    /// Written as the items of `PACKWATCH_PACKS`.
    packs: Option<Vec<String>>,
}

pub(super) fn part(event: &Value) -> Result<Part, EventError> {
    let invalid = |error: &str| EventError::Part(quoted(error));
    let PartEvent { regions, packs } =
        PartEvent::deserialize(event).map_err(|error| invalid(&error.to_string()))?;
    let empty = [("Regions", regions.as_ref().map(Vec::len)), ("Packs", packs.as_ref().map(Vec::len))];
    if let Some((name, _)) = empty.iter().find(|(_, length)| *length == Some(0)) {
        return Err(invalid(&format!("{name} is empty. Leave it out for all of them")));
    }
    let packs = packs.unwrap_or_default();
    let packs = PackFilter::from_items(packs.iter().map(String::as_str));
    Ok(Part {
        regions: regions.into_iter().flatten().collect(),
        packs: packs.map_err(|error| invalid(&error))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_part_is_regions_and_globs() {
        let read = part(&json!({"Regions": ["us-east-1", "eu-west-1"], "Packs": ["Security-*", "!*-test"]}));
        let regions = ["eu-west-1", "us-east-1"].map(|region| region.parse().unwrap()).into();
        assert_eq!(read, Ok(Part { regions, packs: "Security-*,!*-test".parse().unwrap() }));
        let only_packs = part(&json!({"Packs": ["*"]})).unwrap();
        assert_eq!(only_packs, Part::default());
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (event, named) in [
            (json!({"Packs": ["*"], "DryRun": true}), "unknown field `DryRun`"),
            (json!({"Regions": ["Frankfurt"]}), "Frankfurt"),
            (json!({"Regions": "eu-west-1"}), "expected a sequence"),
            (json!({"Regions": []}), "Regions is empty"),
            (json!({"Packs": []}), "Packs is empty"),
            (json!({"Packs": ["a,b"]}), "a,b"),
        ] {
            let error = part(&event).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }
}
