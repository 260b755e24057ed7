//! Every form of every case, to be read by a person when it changes.

use insta::assert_snapshot;
use packwatch::local::Channel;

use super::samples::cases;

#[test]
fn every_form_of_every_case() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    let _bound = settings.bind_to_scope();
    for (name, notification) in cases() {
        assert_snapshot!(format!("{name}_email"), Channel::Email.show(&notification));
        assert_snapshot!(format!("{name}_slack"), Channel::Slack.show(&notification));
        assert_snapshot!(format!("{name}_sms"), Channel::Sms.show(&notification));
        // The JSON of ten thousand accounts would be read by nobody.
        if notification.packs.iter().all(|pack| pack.transitions.len() < 5) && notification.packs.len() < 5 {
            assert_snapshot!(format!("{name}_json"), Channel::Json.show(&notification));
        }
    }
}
