"""Every request to AWS that the Rust tests made, checked by botocore; and the check itself, on requests with a fault.

`make test` records them first (tests/it/world/recorder.rs).
"""

import json
import re
import unittest
import urllib.parse
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import recorded
from calls import CODE, DOCTOR, calls
from recorded import Call, Request

ROWS = "config:GetOrganizationConformancePackDetailedStatus"
COMMIT = "dynamodb:TransactWriteItems"


def is_beyond(call: Call | None) -> bool:
    return call is not None and call.key == recorded.BEYOND and call.name == COMMIT


@recorded.is_there
class Recorded(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.all = recorded.all_checked()
        cls.of = {call.name: each for each, call, faults in cls.all if call and not faults}

    def test_botocore_would_send_each(self):
        sent = [(each, call, faults) for each, call, faults in self.all if not is_beyond(call)]
        faulty = [
            f"{call.name if call else each}: {fault}" for each, call, faults in sent for fault in faults
        ]
        self.assertEqual(faulty, [])
        counts = Counter(call.name for _, call, _ in sent)
        print(f"\n{counts.total():,} different requests of {len(counts)} operations checked: ", end="")
        print(", ".join(f"{name} {n}" for name, n in sorted(counts.items())))

    def test_all_that_the_code_calls_was_recorded(self):
        """A call that no test makes is one that nobody has checked."""
        self.assertEqual({*self.of}, calls(CODE) | calls(DOCTOR))

    def test_what_goes_beyond_the_limits_is_noticed(self):
        noticed = [(faults, len(each.body)) for each, call, faults in self.all if is_beyond(call)]
        self.assertGreaterEqual(len(noticed), 3)
        for faults, size in noticed:
            self.assertTrue(faults, f"{size:,} bytes")

    # --- Requests with a fault ---

    def faults(self, name: str, change: Callable[[dict], None]) -> str:
        """What is wrong with a request whose fields were changed before botocore signed it."""
        request = self.of[name]
        is_json = request.body.startswith("{")
        fields = json.loads(request.body) if is_json else recorded.form(request.body)
        change(fields)
        body = json.dumps(fields) if is_json else urllib.parse.urlencode(fields)
        return self.checked(replace(request, body=body))

    def checked(self, request: Request, again: bool = True) -> str:
        if again:
            size = str(len(request.body.encode()))
            request = replace(request, headers=request.headers | {"content-length": size})
            scope, _ = recorded.signed(request)
            told = request.headers["authorization"].replace(
                scope["signature"], recorded.signature(request, scope)
            )
            request = replace(request, headers=request.headers | {"authorization": told})
        return "\n".join(recorded.check(request)[1])

    def test_without_a_change_nothing_is_wrong(self):
        for name in self.of:
            self.assertEqual(self.checked(self.of[name]), "", name)

    def test_a_member_that_there_is_not(self):
        self.assertIn("Unknown parameter", self.faults(ROWS, lambda f: f.update(ConformancePackName="P")))

    def test_a_member_that_is_missing(self):
        self.assertIn(
            "Missing required", self.faults(ROWS, lambda f: f.pop("OrganizationConformancePackName"))
        )

    def test_a_member_of_another_type(self):
        self.assertIn("Invalid type", self.faults(ROWS, lambda f: f.update(Limit="100")))

    def test_a_name_that_is_too_long(self):
        name = {"OrganizationConformancePackName": "P" * 129}
        self.assertIn("129 is more than 128", self.faults(ROWS, lambda f: f.update(name)))

    def test_a_name_with_other_characters(self):
        name = {"OrganizationConformancePackName": "P_1"}
        self.assertIn("'P_1' is not [a-zA-Z]", self.faults(ROWS, lambda f: f.update(name)))

    def test_a_status_that_there_is_not(self):
        told = self.faults(ROWS, lambda f: f.update(Filters={"Status": "FAILED"}))
        self.assertIn("'FAILED' is none of CREATE_SUCCESSFUL", told)

    def test_a_page_that_is_too_large(self):
        self.assertIn("101 is more than 100", self.faults(ROWS, lambda f: f.update(Limit=101)))

    def test_a_transaction_of_101_actions(self):
        def change(fields):
            fields["TransactItems"] = fields["TransactItems"][:1] * 101

        self.assertIn("101 is more than 100", self.faults(COMMIT, change))

    def test_a_transaction_that_writes_an_item_twice(self):
        def change(fields):
            fields["TransactItems"] = fields["TransactItems"][:1] * 2

        self.assertIn("written twice", self.faults(COMMIT, change))

    def test_an_item_and_a_transaction_that_are_too_large(self):
        def put(n: int, size: int) -> dict:
            item = {"pk": {"S": "p"}, "sk": {"S": str(n)}, "data": {"S": "x" * size}}
            return {"Put": {"TableName": "packwatch", "Item": item}}

        told = self.faults(COMMIT, lambda f: f.update(TransactItems=[put(0, 409_600)]))
        self.assertIn("an item has 409,610 bytes, and 409,600 are allowed", told)
        told = self.faults(COMMIT, lambda f: f.update(TransactItems=[put(n, 400_000) for n in range(11)]))
        self.assertIn("the transaction has", told)

    def test_messages_that_are_too_large(self):
        self.assertIn(
            "262,144 are allowed", self.faults("sns:Publish", lambda f: f.update(Message="x" * 262_145))
        )

    def test_a_batch_of_eleven_and_one_with_an_id_twice(self):
        def batch(*ids: int):
            def change(fields):
                for n, i in enumerate(ids, 1):
                    start = f"PublishBatchRequestEntries.member.{n}"
                    fields |= {f"{start}.Id": str(i), f"{start}.Message": "x"}

            return change

        # SNS's limit of ten is in its documentation alone.
        self.assertIn("11 entries", self.faults("sns:PublishBatch", batch(*range(11))))
        self.assertIn("comes twice", self.faults("sns:PublishBatch", batch(1, 1)))

    def test_a_form_that_botocore_would_not_send(self):
        def change(fields):
            fields["PublishBatchRequestEntries.member.01.Id"] = "1"

        self.assertTrue(self.faults("sns:PublishBatch", change))
        self.assertIn("another version", self.faults("sns:Publish", lambda f: f.update(Version="2010-03-30")))

    def test_a_target_and_a_path_that_there_are_not(self):
        request = self.of[ROWS]
        target = {"x-amz-target": "StarlingDoveService.GetOrganizationConformancePackDetailedStatuses"}
        self.assertIn("no operation", self.checked(replace(request, headers=request.headers | target)))
        request = self.of["lambda:GetFunctionConfiguration"]
        self.assertIn("has no GET", self.checked(replace(request, path=request.path + "s")))

    def test_what_was_changed_after_it_was_signed(self):
        request = self.of[ROWS]
        told = request.headers["authorization"]
        fake = re.sub("Signature=.", lambda found: "Signature=" + ("0" if found[0][-1] != "0" else "1"), told)
        changed = {
            "body": replace(request, body=request.body.replace("}", " }", 1)),
            "signature": replace(request, headers=request.headers | {"authorization": fake}),
            "region": replace(
                request,
                headers=request.headers | {"authorization": re.sub(r"(/\d{8}/)[^/]+", r"\1us-east-2", told)},
            ),
            "date": replace(request, headers=request.headers | {"x-amz-date": "20300101T000000Z"}),
            "host": replace(request, headers=request.headers | {"host": "elsewhere"}),
        }
        for what, each in changed.items():
            self.assertIn("the signature is not the request's", self.checked(each, again=False), what)

    def test_a_header_that_was_not_signed(self):
        request = self.of[ROWS]
        told = request.headers["authorization"].replace(";x-amz-target", "")
        signed = replace(request, headers=request.headers | {"authorization": told})
        self.assertIn("not signed: ['x-amz-target']", self.checked(signed))


if __name__ == "__main__":
    unittest.main()
