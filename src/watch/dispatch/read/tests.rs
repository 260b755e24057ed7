use super::*;

const NOW: &str = "2026-11-20T10:00:00Z";

fn at(epoch: u64) -> Position {
    Position { epoch, part: u32::from(epoch > 0) }
}

/// Minutes before now.
fn ago(minutes: i64) -> Timestamp {
    NOW.parse::<Timestamp>().unwrap() - SignedDuration::from_mins(minutes)
}

/// The parts of these epochs, each of an hour ago and behind the one before it.
fn log(epochs: std::ops::Range<u64>) -> Vec<LogPart> {
    let part = |epoch| LogPart {
        position: at(epoch),
        previous: at(epoch - 1),
        data: Vec::new(),
        observed_at: ago(60),
        expires_at: Timestamp::MAX,
    };
    epochs.map(part).collect()
}

/// What is taken of a log up to an end, whose head has seen five commits, the last so many minutes ago: the epochs, and
/// where the cursor goes.
fn read(log: Vec<LogPart>, to: u64, minutes: i64) -> (Vec<u64>, u64) {
    let target = Target { region: "eu-west-1".parse().unwrap(), pack: "P".parse().unwrap() };
    let head = Head { epoch: 5, committed_at: ago(minutes), log_end: at(5), ..Head::default() };
    let mut read = Parts { parts: Vec::new(), end: Position::START };
    if read.take(&target, log, ago(0)) {
        read.end(&target, at(to), &head, ago(0));
    }
    (read.parts.iter().map(|part| part.position.epoch).collect(), read.end.epoch)
}

/// The reader's page may be older than the head: what it does not show may be there the next time.
#[test]
fn it_stops_before_a_gap_or_an_end_that_may_only_not_be_visible_yet() {
    // Without the third part, where the fourth is of so many minutes ago.
    for (minutes, taken, end) in [
        (9, [1, 2].as_slice(), 2),
        (10, &[1, 2], 2),
        (11, &[1, 2, 4, 5], 5),
        // The clock of the one who wrote it was ahead.
        (-60, &[1, 2], 2),
    ] {
        let mut torn = log(1..6);
        torn[3].observed_at = ago(minutes);
        torn.remove(2);
        assert_eq!(read(torn, 5, 9), (taken.to_vec(), end), "{minutes} minutes ago");
    }
    for (epochs, to, minutes, end) in [
        (1..6, 5, 9, 5),
        (2..6, 5, 60, 5),
        (1..5, 5, 9, 4),
        (1..5, 5, 11, 5),
        (1..1, 5, 9, 0),
        (1..1, 5, 11, 5),
        // No part is there: it is the end of an earlier life, and 5 is not for this topic yet.
        (1..4, 4, 9, 4),
    ] {
        let known: Vec<u64> = epochs.clone().collect();
        assert_eq!(read(log(epochs), to, minutes), (known, end), "to {to}, {minutes} minutes ago");
    }
}
