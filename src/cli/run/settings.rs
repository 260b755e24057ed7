//! The settings of a run, from its flags and the environment.

use std::collections::HashMap;

use clap::Args;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::cli::args::Global;
use crate::cli::outcome::Failure;
use crate::cli::outside::region;
use crate::settings::{Reader, SHARED, Settings};
use crate::state::head::SharedSettings;

/// The settings of which one run may want others, as text: they are read and checked with all variables, as the Lambda
/// does.
#[derive(Debug, Args, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) struct SettingArgs {
    /// Packs to watch: names, * globs, ! excludes [env: PACKWATCH_PACKS]
    #[arg(long, value_name = "LIST")]
    packs: Option<String>,
    /// Regions to watch [env: PACKWATCH_REGIONS]
    #[arg(long, value_name = "LIST")]
    regions: Option<String>,
    /// Accounts never reported [env: PACKWATCH_EXCLUDE_ACCOUNTS]
    #[arg(long, value_name = "LIST")]
    exclude_accounts: Option<String>,
    /// What people are notified of, such as failed,recovered [env: PACKWATCH_NOTIFY]
    #[arg(long, value_name = "LIST")]
    notify: Option<String>,
    /// How long a deployment may be in progress before it counts as stuck [env: PACKWATCH_STUCK_AFTER]
    #[arg(long, value_name = "DURATION")]
    stuck_after: Option<String>,
    /// Ask AWS Organizations for the accounts' names: on or off [env: PACKWATCH_ACCOUNT_NAMES]
    #[arg(long, value_name = "on|off")]
    account_names: Option<String>,
    /// Read every account in this run, and not only unhealthy ones
    #[arg(long)]
    full: bool,
    /// With --table: go by the settings given here, and not by those of the function that records in it
    #[arg(long)]
    pub(super) own_settings: bool,
}

impl SettingArgs {
    /// The flags by the variables that they stand for.
    fn flags(&self) -> Result<HashMap<String, String>, serde_json::Error> {
        let flags: Map<String, Value> = serde_json::from_value(serde_json::to_value(self)?)?;
        let text =
            |(name, value): (String, Value)| Some((format!("PACKWATCH_{name}"), value.as_str()?.to_owned()));
        Ok(flags.into_iter().filter_map(text).collect())
    }

    /// The settings; what all who record in one table must agree on is taken from there.
    pub(super) async fn read(
        &self,
        global: &Global,
        table: Option<&SharedSettings>,
    ) -> Result<Settings, Failure> {
        let here = region(global).await?;
        let flags = self.flags()?;
        let own = |variable: &str| flags.get(variable).cloned().or_else(|| std::env::var(variable).ok());
        if let Some(table) = table {
            let differs = |name: &&&str| own(name).is_some_and(|own| table.get(**name) != Some(&own));
            let differing: Vec<&str> = SHARED.iter().filter(differs).copied().collect();
            if !differing.is_empty() {
                let why = format!(
                    "{}: not as the function that records in this table has it, so people would be notified of what is not so. \
                     Leave it out to go by the function's settings, or add --own-settings",
                    differing.join(", ")
                );
                return Err(why.into());
            }
        }
        let lookup = |variable: &str| match variable {
            "AWS_REGION" => here.clone(),
            // A --region means this one, whatever PACKWATCH_REGIONS says.
            "PACKWATCH_REGIONS" if global.region.is_some() && self.regions.is_none() => global.region.clone(),
            _ => match table.filter(|_| SHARED.contains(&variable)) {
                Some(table) => table.get(variable).cloned(),
                // Who runs it by hand wants to see now what it finds.
                None => {
                    own(variable).or_else(|| (variable == "PACKWATCH_GROUP_INTERVAL").then(|| "0".to_owned()))
                }
            },
        };
        let mut reader = Reader::new(&lookup);
        let mut settings = reader.settings();
        reader.finish()?;
        if self.full {
            settings.full_scan_every = None;
        }
        Ok(settings)
    }
}
