//! The model of SNS, asked as the wire asks it.

use super::World;
use super::sns::{Ending, respond};
use super::sns_form::Form;

const TOPIC: &str = "arn:aws:sns:eu-west-1:999999999999:alerts";

/// Status, and what is between `<Code>` and its end if there is an error.
fn send(world: &World, fields: &[(&str, &str)]) -> (u16, String) {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    match respond(&mut world.lock().sns, "eu-west-1", &Form::parse(body.as_bytes())) {
        Ending::Xml { status, body } => (status, body),
        Ending::Drop => (0, "dropped".into()),
        Ending::Hang => (0, "hung".into()),
    }
}

fn publish(fields: &[(&str, &str)]) -> String {
    let world = World::new();
    world.add_topic(TOPIC);
    let all = [&[("Action", "Publish"), ("TopicArn", TOPIC)], fields].concat();
    let (status, body) = send(&world, &all);
    assert_eq!(world.messages().len(), usize::from(status == 200));
    code(&body)
}

fn code(body: &str) -> String {
    let code = body.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
    code.map_or("accepted", |(code, _)| code).to_owned()
}

fn batch(world: &World, entries: &[(&str, &str)]) -> (u16, String) {
    let mut fields = vec![("Action".to_owned(), "PublishBatch"), ("TopicArn".to_owned(), TOPIC)];
    for (n, (id, message)) in (1..).zip(entries) {
        fields.push((format!("PublishBatchRequestEntries.member.{n}.Id"), *id));
        fields.push((format!("PublishBatchRequestEntries.member.{n}.Message"), *message));
    }
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    send(world, &fields)
}

fn attribute<'a>(name: &'a str, data_type: &'a str, value: &'a str) -> [(&'a str, &'a str); 4] {
    [
        ("Message", "x"),
        ("MessageAttributes.entry.1.Name", name),
        ("MessageAttributes.entry.1.Value.DataType", data_type),
        ("MessageAttributes.entry.1.Value.StringValue", value),
    ]
}

#[test]
fn the_body_and_the_attributes_share_the_limit() {
    let fits = "ü".repeat(131_072);
    assert_eq!(publish(&[("Message", &fits)]), "accepted");
    assert_eq!(publish(&[("Message", &format!("{fits}."))]), "InvalidParameter");
    let mut fields = attribute("Kind", "String", "Failed");
    let rest = "a".repeat(262_144 - "KindStringFailed".len());
    fields[0].1 = &rest;
    assert_eq!(publish(&fields), "accepted");
    fields[3].1 = "Failed!";
    assert_eq!(publish(&fields), "InvalidParameter");
    assert_eq!(publish(&[("Message", "")]), "InvalidParameter");
}

#[test]
fn subjects() {
    let subject = |subject: &str| publish(&[("Message", "x"), ("Subject", subject)]);
    for good in ["a", "[failure] 3 accounts", &"x".repeat(100)] {
        assert_eq!(subject(good), "accepted", "{good}");
    }
    for bad in ["", " a", "a\nb", "a\tb", "über", &"x".repeat(101)] {
        assert_eq!(subject(bad), "InvalidParameter", "{bad:?}");
    }
}

#[test]
fn a_structured_message_needs_a_default() {
    let structured = |message: &str| publish(&[("Message", message), ("MessageStructure", "json")]);
    assert_eq!(structured(r#"{"default": "x", "email": "y"}"#), "accepted");
    for bad in
        ["x", "[]", "null", r#"{"email": "y"}"#, r#"{"default": {}}"#, r#"{"default": "x", "https": {}}"#]
    {
        assert_eq!(structured(bad), "InvalidParameter", "{bad}");
    }
}

#[test]
fn attributes_have_names_types_and_values() {
    for (name, data_type, value) in [
        ("Severity", "String", "failure"),
        ("Kinds", "String.Array", r#"["Failed", 1, true, null]"#),
        ("n", "Number", "-1.5e3"),
    ] {
        assert_eq!(publish(&attribute(name, data_type, value)), "accepted", "{name}");
    }
    for (name, data_type, value) in [
        ("a b", "String", "x"),
        (".a", "String", "x"),
        ("a..b", "String", "x"),
        ("AWS.a", "String", "x"),
        ("a", "Text", "x"),
        ("a", "", "x"),
        ("a", "String", ""),
        ("a", "String.Array", "Failed"),
        ("a", "String.Array", r#"[["x"]]"#),
        ("a", "Number", "three"),
        ("a", "Binary", "eA=="),
    ] {
        let refusal = publish(&attribute(name, data_type, value));
        assert_eq!(refusal, "ParameterValueInvalid", "{name} {data_type} {value}");
    }
}

#[test]
fn batches() {
    let world = World::new();
    world.add_topic(TOPIC);
    let refusal = |entries: &[(&str, &str)]| {
        let (status, body) = batch(&world, entries);
        assert_eq!(status, 400);
        code(&body)
    };
    let half = "a".repeat(131_073);
    let eleven: Vec<_> = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "a"].map(|id| (id, "x")).into();
    assert_eq!(refusal(&[]), "EmptyBatchRequest");
    assert_eq!(refusal(&eleven), "TooManyEntriesInBatchRequest");
    assert_eq!(refusal(&[("a", "x"), ("a", "y")]), "BatchEntryIdsNotDistinct");
    assert_eq!(refusal(&[("a b", "x")]), "InvalidBatchEntryId");
    assert_eq!(refusal(&[(&"a".repeat(81), "x")]), "InvalidBatchEntryId");
    assert_eq!(refusal(&[("a", &half), ("b", &half)]), "BatchRequestTooLong");
    assert_eq!(refusal(&[("a", "x"), ("b", "")]), "InvalidParameter");
    assert!(world.messages().is_empty());

    world.fail_entries(&[1], false);
    let (status, body) = batch(&world, &[("a", "x"), ("b", "y"), ("c", "z")]);
    assert_eq!((status, code(&body).as_str()), (200, "InternalError"));
    assert!(body.contains("<Failed><member><Id>b</Id>"), "{body}");
    assert!(body.contains("<SenderFault>false</SenderFault>"), "{body}");
    let accepted: Vec<_> = world.messages().into_iter().filter_map(|m| m.batch_entry_id).collect();
    assert_eq!(accepted, ["a", "c"]);
}

#[test]
fn topics() {
    let world = World::new();
    let to = |arn| send(&world, &[("Action", "Publish"), ("TopicArn", arn), ("Message", "x")]).0;
    assert_eq!(to(TOPIC), 404);
    world.accept_any_topic();
    assert_eq!(to(TOPIC), 200);
    for bad in ["alerts", "arn:aws:sns:us-east-1:999999999999:alerts", "arn:aws:sns:eu-west-1:1:alerts"] {
        assert_eq!(to(bad), 400, "{bad}");
    }
}

#[test]
fn faults_hit_one_request_each() {
    let world = World::new();
    world.add_topic(TOPIC).refuse_next(1).throttle_sns_next(1).break_sns_next(1).lose_reply_next();
    let send = || send(&world, &[("Action", "Publish"), ("TopicArn", TOPIC), ("Message", "<&>")]).0;
    assert_eq!([send(), send(), send()], [403, 400, 500]);
    assert_eq!((send(), world.messages().len()), (0, 1));
    assert_eq!((send(), world.take_messages().len()), (200, 2));
}

#[test]
fn the_limit_counts_the_messages_of_a_batch_and_refuses_it_whole() {
    let world = World::new();
    world.add_topic(TOPIC).limit_sns(3.0);
    assert_eq!(batch(&world, &[("a", "x"), ("b", "x")]).0, 200);
    let (status, body) = batch(&world, &[("a", "x"), ("b", "x")]);
    assert_eq!((status, code(&body).as_str()), (400, "Throttling"));
    assert_eq!(world.messages().len(), 2, "nothing of it was taken");
    assert_eq!(batch(&world, &[("a", "x")]).0, 200);
}
