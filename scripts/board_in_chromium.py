"""The page of `packwatch board --output html`, used in Chromium as a person does. Run by `make test-board`."""

import argparse
import json
import sqlite3
import subprocess
import sys
import tempfile
import unittest
from datetime import UTC, datetime, timedelta
from pathlib import Path

from chromium import browser
from organization import ROWS, Organization

PACKWATCH = Path(__file__).resolve().parent.parent / "target/debug/packwatch"
OPTIONS = argparse.Namespace()
# Scrolls through a grid and gives the text of each row once, by its number.
ROWS_SHOWN = """async (id) => {
  const grid = document.getElementById(id), rows = new Map();
  for (grid.scrollTop = 0; ; grid.scrollTop += 400) {
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    for (const row of grid.querySelectorAll(".row"))
      rows.set(+row.getAttribute("aria-rowindex"), [...row.children].map((cell) => cell.innerText.trim()));
    if (grid.scrollTop + grid.clientHeight >= grid.scrollHeight - 1) break;
  }
  return [...rows].sort(([a], [b]) => a - b).map(([, cells]) => cells);
}"""

PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
# Rows of the list on the first page of A4 with margins of one centimetre.
LEAST_PRINTED = 28


def is_unhealthy(row: dict) -> bool:
    return "FailingSince" in row or "stuck" in row.get("Notes", []) or row["Status"] == "UPDATE_ROLLED_BACK"


class Board(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.folder = Path(folder)
        cls.organization = Organization(cls.folder, 300, 8, OPTIONS.packwatch)
        cls.file = cls.organization.board(cls.folder / "board.html")
        cls.rows = cls.organization.documents("board", "--accounts", str(cls.organization.names))
        cls.browser = cls.enterClassContext(browser(OPTIONS.chromium))

    def open(self, file: Path | None = None, address: str = "", **options):
        context = self.browser.new_context(**{"viewport": {"width": 1360, "height": 800}} | options)
        self.addCleanup(context.close)
        page = context.new_page()
        self.told, self.requests = [], []
        page.on("console", lambda message: self.told.append(message.text))
        page.on("pageerror", lambda error: self.told.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        page.goto((file or self.file).as_uri() + address)
        return page

    def small(self, *scans: dict[str, list[dict]]) -> Path:
        """The page of a store of its own: packs, and the rows of each, at one scan after the other."""
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        for packs in scans:
            for pack, rows in packs.items():
                full = [{"ConformancePackName": "x", "Status": "CREATE_SUCCESSFUL"} | row for row in rows]
                (folder / f"{pack}.json").write_text(json.dumps({ROWS: full}))
            statuses = [option for pack in packs for option in ("--statuses", folder / f"{pack}.json")]
            run = [OPTIONS.packwatch, "run", "--store", folder / "store", "--region", "eu-west-1", *statuses]
            self.assertIn(subprocess.run(run, check=False, capture_output=True).returncode, (0, 2))
        return self.printed(folder / "store", folder / "board.html")

    @staticmethod
    def printed(store: Path, page: Path) -> Path:
        """The board of a store, printed into a file."""
        with page.open("w") as file:
            board = [OPTIONS.packwatch, "board", "--store", store, "--output", "html"]
            subprocess.run(board, check=True, stdout=file)
        return page

    def count(self, page) -> tuple[int, int]:
        words = page.inner_text("#count").replace(",", "").split()
        return int(words[0]), int(words[3])

    def expected(self, fits) -> tuple[int, int]:
        found = [row for row in self.rows if fits(row)]
        return len(found), len({row["AccountId"] for row in found})

    def test_it_opens_from_a_file_alone_and_says_how_many_are_unhealthy(self):
        page = self.open()
        deployments, accounts = self.expected(is_unhealthy)
        self.assertGreater(accounts, 10)
        self.assertTrue(
            page.inner_text("#headline")
            .replace("\n", " ")
            .startswith(f"{accounts} of 300 accounts unhealthy")
        )
        self.assertEqual(self.count(page), (deployments, accounts))
        page.click("#tab-matrix")
        page.click("#tab-packs")
        self.assertEqual(page.locator("#view-packs tbody tr").count(), 8)
        self.assertEqual((self.told, self.requests), ([], [self.file.as_uri()]))

    def test_filters_give_the_rows_that_the_command_gives(self):
        page = self.open()
        code = next(row["ErrorCode"] for row in self.rows if "ErrorCode" in row)
        region, name = self.rows[0]["Region"], self.rows[0]["AccountName"]
        pack = self.rows[-1]["OrganizationConformancePackName"]
        cases = [
            ({"status": "all"}, lambda row: True),
            ({"status": "failed"}, lambda row: row["Status"].endswith("_FAILED")),
            ({"status": "UPDATE_SUCCESSFUL"}, lambda row: row["Status"] == "UPDATE_SUCCESSFUL"),
            ({"code": code}, lambda row: row.get("ErrorCode") == code),
            ({"region": region}, lambda row: is_unhealthy(row) and row["Region"] == region),
            (
                {"pack": f"{pack} · {self.rows[-1]['Region']}"},
                lambda row: is_unhealthy(row) and row["OrganizationConformancePackName"] == pack,
            ),
            ({"status": "all", "account": name.upper()}, lambda row: row["AccountName"].startswith(name)),
            (
                {"status": "all", "account": self.rows[5]["AccountId"]},
                lambda row: row["AccountId"] == self.rows[5]["AccountId"],
            ),
            ({"status": "all", "account": "no such account"}, lambda row: False),
        ]
        for chosen, fits in cases:
            with self.subTest(chosen):
                page.click("#clear")
                for control, value in chosen.items():
                    if control == "account":
                        page.fill("#account", value)
                    else:
                        page.select_option(
                            f"#{control}", value=value
                        ) if control != "pack" else page.select_option("#pack", label=value)
                self.assertEqual(self.count(page), self.expected(fits))
        page.click("#clear")
        shown = page.evaluate(ROWS_SHOWN, "list")
        unhealthy = [row for row in self.rows if is_unhealthy(row)]
        self.assertEqual(
            sorted((row[0], row[2]) for row in shown),
            sorted((row["AccountId"], row["OrganizationConformancePackName"]) for row in unhealthy),
        )
        since = [row[-1] for row in shown]
        self.assertEqual(
            [text[:16] for text in since],
            sorted((text[:16] for text in since), reverse=True),
            "the newest first",
        )

    def test_the_matrix_is_the_accounts_by_the_packs(self):
        page = self.open()
        page.select_option("#status", "all")
        page.click("#tab-matrix")
        shown = page.evaluate(ROWS_SHOWN, "matrix")
        self.assertEqual(len(shown), len({row["AccountId"] for row in self.rows}))
        signs = [sign for row in shown for sign in row[1:]]
        self.assertEqual(signs.count("✕"), self.expected(lambda row: row["Status"].endswith("_FAILED"))[0])
        self.assertEqual(len(signs) - signs.count(""), len(self.rows))
        first = page.locator("#matrix .row [role=gridcell]").nth(1).get_attribute("aria-label")
        self.assertRegex(first, r"^[\w-]+ · [\w-]+: [A-Z_]+")

    def test_columns_sort(self):
        page = self.open()
        for index, key in ((0, 0), (2, 2), (4, 4)):
            page.locator("#list .head [role=columnheader]").nth(index).locator("button").click()
            shown = [row[key] for row in page.evaluate(ROWS_SHOWN, "list")]
            plain = [text.lstrip("✕!?…·\n ") for text in shown]
            self.assertEqual(plain, sorted(plain))

    def test_a_column_chosen_while_the_address_is_written_stays_chosen(self):
        page = self.open()
        page.evaluate("""async () => {
          const sort = (n) => document.querySelectorAll("#list .head button")[n].click();
          sort(0);
          await new Promise((done) => setTimeout(done, 200));
          sort(2);
          await new Promise((done) => setTimeout(done, 500));
        }""")
        sorted_by = page.locator("#list .head [aria-sort=ascending]").inner_text()
        self.assertEqual((sorted_by, page.evaluate("location.hash")), ("Pack", "#sort=pack"))

    def test_everything_is_within_reach_of_the_keyboard(self):
        page = self.open()
        stops = []
        for _ in range(16):
            page.keyboard.press("Tab")
            stops.append(page.evaluate("document.activeElement.id || document.activeElement.className"))
        order = [
            stops.index(stop)
            for stop in ("account", "status", "region", "pack", "code", "clear", "tab-list", "list")
        ]
        self.assertEqual(order, sorted(order), stops)
        page.focus("#list")
        page.keyboard.press("/")
        self.assertEqual(page.evaluate("document.activeElement.id"), "account")
        page.keyboard.type("prod")
        narrowed = self.count(page)
        page.keyboard.press("Escape")
        self.assertEqual(page.input_value("#account"), "")
        self.assertNotEqual(self.count(page), narrowed)
        # In the grid: to the third row's last column and back, then to the end of 30 and more rows.
        page.focus("#list")
        active = (
            "(() => { const cell = document.getElementById(document.getElementById('list').getAttribute('aria-activedescendant'));"
            "return [+cell.parentElement.getAttribute('aria-rowindex'), +cell.getAttribute('aria-colindex'), cell.getAttribute('role')] })()"
        )
        for key in ("ArrowDown", "ArrowDown", "End"):
            page.keyboard.press(key)
        self.assertEqual(page.evaluate(active), [4, 7, "gridcell"])
        page.keyboard.press("Control+End")
        rows = int(page.get_attribute("#list", "aria-rowcount"))
        self.assertEqual(page.evaluate(active)[0], rows)
        page.keyboard.press("Control+Home")
        page.keyboard.press("PageDown")
        self.assertGreater(page.evaluate(active)[0], 10)
        page.keyboard.press("Enter")
        self.assertTrue(page.is_visible("#detail"))
        page.keyboard.press("Escape")
        self.assertFalse(page.is_visible("#detail"))
        self.assertEqual(page.evaluate("document.activeElement.id"), "list", "back where it was")
        page.focus("#tab-list")
        page.keyboard.press("ArrowRight")
        self.assertTrue(page.is_visible("#matrix"))
        self.assertEqual(self.told, [])

    def test_an_account_has_its_packs_its_reasons_and_its_past(self):
        page = self.open()
        account = next(row for row in self.rows if is_unhealthy(row) and "ErrorMessage" in row)
        page.fill("#account", account["AccountId"])
        page.click("#list .row >> nth=0")
        text = page.inner_text("#detail")
        self.assertIn(account["ErrorMessage"], text)
        self.assertIn(account["AccountName"], text)
        past = self.organization.documents("history", "--account", account["AccountId"])
        moves = page.locator("#detail .moves li").all_inner_texts()
        self.assertEqual(len(moves), len(past))
        for move, document in zip(moves, past, strict=True):
            self.assertIn(document["ObservedAt"][:16].replace("T", " "), move)
            self.assertIn(document["Kind"], move)
        page.click("#detail summary >> nth=0")
        self.assertIn("To do:", page.inner_text("#detail"))

    def test_dark_is_dark_and_paper_has_the_list(self):
        back = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).reduce((a, b) => a + +b, 0)"
        self.assertGreater(self.open(color_scheme="light").evaluate(back), 600)
        page = self.open(color_scheme="dark")
        self.assertLess(page.evaluate(back), 150)
        page.evaluate(
            "addEventListener('beforeprint', () => { window.paper = document.getElementById('printed').innerText })"
        )
        self.assertGreater(len(page.pdf()), 20_000)
        paper = page.evaluate("window.paper")
        for row in filter(is_unhealthy, self.rows):
            self.assertIn(row["AccountId"], paper)
        self.assertIn("To do:", paper)
        self.assertEqual(page.locator("#printed *").count(), 0, "gone again from the screen")

    def test_a_search_that_finds_only_healthy_accounts_offers_them(self):
        page = self.open()
        unhealthy = {row["AccountId"] for row in self.rows if is_unhealthy(row)}
        healthy = next(row["AccountId"] for row in self.rows if row["AccountId"] not in unhealthy)
        deployments = len([row for row in self.rows if row["AccountId"] == healthy])
        page.fill("#account", healthy)
        self.assertIn("Nothing unhealthy matches, but healthy ones do", page.inner_text("#nothing"))
        self.assertIn(f"{deployments} deployments in 1 account", page.inner_text("#nothing"))
        self.assertFalse(page.is_visible("#list"))
        page.click("#nothing button")
        self.assertEqual((page.input_value("#status"), self.count(page)), ("all", (deployments, 1)))
        self.assertTrue(page.is_visible("#list") and page.is_hidden("#nothing"))
        self.assertEqual(len(page.evaluate(ROWS_SHOWN, "list")), deployments)
        page.fill("#account", "no such account")
        self.assertIn("Nothing matches these filters", page.inner_text("#nothing"))
        page.click("#nothing button")
        self.assertEqual(self.count(page), self.expected(is_unhealthy))

    def test_a_board_without_trouble_or_without_anything_says_so(self):
        well = [{"AccountId": f"{n:012}"} for n in range(1, 4)]
        page = self.open(self.small({"Cost": well, "Security": well}))
        self.assertIn("All healthy", page.inner_text("#nothing"))
        self.assertIn("6 deployments in 3 accounts", page.inner_text("#nothing"))
        page.click("#nothing button")
        self.assertEqual(self.count(page), (6, 3))
        page.select_option("#status", "successful")
        page.click("#tab-matrix")
        page.select_option("#status", "unhealthy")
        self.assertTrue(page.is_hidden("#matrix") and page.is_visible("#nothing"))
        empty = self.open(self.small({"Cost": []}))
        self.assertIn("No deployment is recorded yet", empty.inner_text("#nothing"))
        self.assertNotIn("healthy", empty.inner_text("#nothing"))
        self.assertRegex(empty.inner_text("#about"), r": 0 accounts, Cost, eu-west-1$")

    def test_headers_leave_out_what_all_packs_begin_with(self):
        names = [f"Operational-Best-Practices-for-{what}" for what in ("CIS", "NIST-CSF", "NIST-800")]
        page = self.open(self.small({name: [{"AccountId": "000000000001"}] for name in names}), "#status=all")
        page.click("#tab-matrix")
        heads = page.locator("#matrix [role=columnheader]")
        self.assertEqual(heads.all_inner_texts()[1:], ["…CIS", "…NIST-800", "…NIST-CSF"])
        self.assertEqual(heads.nth(1).get_attribute("title"), names[0])
        self.assertEqual(heads.nth(1).get_attribute("aria-label"), names[0])
        self.assertIn("Operational-Best-Practices-for-", page.inner_text("#legend"))
        whole = self.open(address="#view=matrix")
        heads = whole.locator("#matrix [role=columnheader]").all_inner_texts()
        self.assertFalse([text for text in heads if text.startswith("…")])

    def test_headers_are_cut_in_the_middle(self):
        names = [f"Security-Baseline-for-all-our-accounts-{what}" for what in ("prod", "test")]
        rows = [{"AccountId": "000000000001"}]
        page = self.open(self.small({name: rows for name in [*names, "Cost"]}), "#status=all&view=matrix")
        heads = page.locator("#matrix [role=columnheader]")
        shown = heads.all_inner_texts()[2:]
        self.assertEqual([text[:8] + text[-5:] for text in shown], ["Security-prod", "Security-test"])
        self.assertTrue(all(len(text) == 36 and "…" in text for text in shown), shown)
        self.assertEqual([heads.nth(n).get_attribute("title") for n in (2, 3)], names)
        # As they stand on their side, nothing more is cut.
        many = self.open(
            self.small({f"{name}-{n}": rows for n in range(4) for name in names} | {"Cost": rows})
        )
        many.goto(many.url + "#status=all&view=matrix")
        many.reload()
        self.assertTrue(
            many.evaluate(
                "[...document.querySelectorAll('#matrix .turned span')].every((e) => e.scrollHeight <= e.clientHeight + 1)"
            )
        )

    def test_what_is_out_of_date_is_loud(self):
        file = self.small({"Pack": [{"AccountId": "000000000001", "Status": "CREATE_FAILED"}]})
        self.assertFalse(self.open(file).is_visible("#late"))
        # A page that somebody kept.
        page = self.browser.new_context().new_page()
        page.clock.install(time=datetime.now(UTC) + timedelta(days=2, hours=1))
        page.goto(file.as_uri())
        self.assertIn("OUT OF DATE: this page was made 2 d 1 h ago", page.inner_text("#late"))
        # A function that has not run for days: a head and settings as it leaves them.
        then = datetime.now(UTC) - timedelta(days=4)
        with sqlite3.connect(file.parent / "store") as store:
            (body,) = store.execute("SELECT body FROM items WHERE sk LIKE 'head#%'").fetchone()
            head = json.loads(body) | {
                "committed_at": then.isoformat(),
                "last_full_scan_at": int(then.timestamp()),
            }
            store.execute("UPDATE items SET body = ? WHERE sk LIKE 'head#%'", [json.dumps(head)])
            settings = json.dumps({"schema": 1, "settings": {"ran_at": then.isoformat()}})
            store.execute("INSERT INTO items (pk, sk, body) VALUES ('heads', 'settings', ?)", [settings])
        page = self.open(self.printed(file.parent / "store", file))
        at = then.strftime("%Y-%m-%d %H:%M")
        self.assertIn(f"OUT OF DATE: packwatch last ran at about {at} UTC", page.inner_text("#late"))
        self.assertIn(f"Last recorded at {at} UTC, read at", page.inner_text("#about"))
        page.click("#tab-packs")
        self.assertEqual(page.locator("#view-packs tbody td").all_inner_texts()[-3:], [at] * 3)

    def test_packs_have_their_recent_changes(self):
        page = self.open()
        page.click("#tab-packs")
        changes = page.locator("#view-packs .moves li").all_inner_texts()
        self.assertEqual(len(changes), 8)
        self.assertRegex(changes[0], r"^[\d :-]{16} [\w-]+ · [\w-]+ first seen with \d+ accounts$")
        page.select_option("#region", self.rows[0]["Region"])
        fewer = page.locator("#view-packs .moves li").all_inner_texts()
        self.assertEqual(fewer, [text for text in changes if f" · {self.rows[0]['Region']} " in text])

    def test_the_address_holds_what_is_chosen(self):
        page = self.open()
        pack = self.rows[-1]
        page.fill("#account", "prod 1")
        page.select_option("#status", "all")
        page.select_option("#pack", label=f"{pack['OrganizationConformancePackName']} · {pack['Region']}")
        page.click("#tab-matrix")
        page.wait_for_url(lambda url: "view=matrix" in url)
        address = page.evaluate("location.hash")
        self.assertIn(f"pack={pack['OrganizationConformancePackName']}.{pack['Region']}", address)
        again = self.open(address=address)
        self.assertEqual(again.input_value("#account"), "prod 1")
        self.assertEqual(self.count(again), self.count(page))
        self.assertTrue(again.is_visible("#matrix"))
        again.keyboard.press("Escape")
        again.click("#tab-list")
        again.wait_for_url(lambda url: "=" not in url)
        again.evaluate("location.hash = '#status=failed&sort=pack'")
        again.wait_for_timeout(300)
        self.assertEqual(self.count(again), self.expected(lambda row: row["Status"].endswith("_FAILED")))
        packs = [row[2] for row in again.evaluate(ROWS_SHOWN, "list")]
        self.assertEqual(packs, sorted(packs))
        wrong = self.open(address="#status=__proto__&pack=nope&code=x&view=toString&sort=y&other=%F0%28")
        self.assertEqual(self.count(wrong), self.expected(is_unhealthy))
        self.assertTrue(wrong.is_visible("#list"))
        self.assertEqual(self.told, [])

    def test_a_phone_has_tabs_in_a_row_and_rows_as_cards(self):
        page = self.open(**PHONE)
        tabs = [page.locator(f"#tab-{name}").bounding_box() for name in ("list", "matrix", "packs")]
        self.assertEqual(len({tab["y"] for tab in tabs}), 1, "in a row")
        self.assertLessEqual(tabs[-1]["x"] + tabs[-1]["width"], 390)
        page.select_option("#status", "failed")
        card = page.locator("#list .row").first
        self.assertEqual(page.evaluate("document.documentElement.scrollWidth"), 390, "nothing to scroll to")
        self.assertLess(page.locator("#why").bounding_box()["y"], card.bounding_box()["y"], "causes first")
        for part in ("account", "status", "code", "pack", "since"):
            text, box = card.locator(f".{part}"), card.locator(f".{part}").bounding_box()
            self.assertTrue(text.inner_text().strip(), part)
            self.assertTrue(box["x"] >= 0 and box["x"] + box["width"] <= 390, f"{part}: {box}")
            self.assertFalse(
                text.evaluate("e => e.scrollWidth > e.clientWidth + 1 && e.matches('.status, .since')")
            )
        first, second = (page.locator("#list .row").nth(n).bounding_box() for n in range(2))
        self.assertGreaterEqual(second["y"], first["y"] + first["height"], "no card over another")
        shown = page.evaluate(ROWS_SHOWN, "list")
        self.assertEqual(len(shown), self.expected(lambda row: row["Status"].endswith("_FAILED"))[0])
        card.click()
        self.assertTrue(page.is_visible("#detail"))
        self.assertEqual(self.told, [])

    def test_a_printed_page_has_many_rows(self):
        page = self.open(address="#status=all", viewport={"width": 718, "height": 1046})
        page.emulate_media(media="print")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        rows = page.evaluate(
            "[...document.querySelectorAll('#printed tr')].filter((e) => e.getBoundingClientRect().bottom < 1046).length"
        )
        self.assertGreaterEqual(rows, LEAST_PRINTED)

    def test_the_drawer_s_command_reads_the_same_store(self):
        page = self.open()
        page.click("#list .row >> nth=0")
        command = page.inner_text("#detail code")
        self.assertIn(f"packwatch history --store {self.organization.store} --account ", command)
        done = subprocess.run(
            [OPTIONS.packwatch, *command.split()[1:]], check=True, capture_output=True, text=True
        )
        self.assertIn(command.split()[-1], done.stdout)

    def test_the_drawer_says_since_when_and_how_often_it_was_tried_again(self):
        failed = [
            {
                "AccountId": "000000000001",
                "Status": "CREATE_FAILED",
                "LastUpdateTime": f"2026-11-16T0{hour}:00:00Z",
            }
            for hour in (7, 8, 9)
        ]
        for scans, wanted in [(1, ""), (2, ", tried again once"), (3, ", tried again 2 times")]:
            with self.subTest(scans):
                page = self.open(self.small(*({"Pack": [row]} for row in failed[:scans])))
                page.click("#list .row >> nth=0")
                said = page.inner_text("#detail .packs p >> nth=0")
                self.assertRegex(said, rf"^Since 2026-11-16 07:00 UTC \(\d+ [^)]*\){wanted}$")

    def test_hostile_text_is_text_and_nothing_foreign_runs(self):
        hostile = (
            "</script><script>window.hacked = 1</script><img src=x onerror=window.hacked=1>\u202e{{script}}"
        )
        row = {
            "AccountId": "000000000001",
            "ConformancePackName": "x",
            "Status": "__proto__",
            "ErrorCode": hostile,
            "ErrorMessage": f"<!--<script>{hostile}",
        }
        statuses = self.folder / "Pack.json"
        statuses.write_text(
            json.dumps(
                {
                    "OrganizationConformancePackDetailedStatuses": [
                        row,
                        row | {"AccountId": "000000000002", "Status": "CREATE_FAILED"},
                    ]
                }
            )
        )
        store, file = self.folder / "hostile.sqlite", self.folder / "hostile.html"
        run = [OPTIONS.packwatch, "run", "--statuses", statuses, "--region", "eu-west-1", "--store", store]
        self.assertEqual(subprocess.run(run, check=False, capture_output=True).returncode, 2)
        page = self.open(self.printed(store, file))
        self.assertIn("</script><script>window.hacked = 1", page.inner_text("#list"))
        self.assertEqual(self.count(page), (2, 2))
        page.click("#list .row >> nth=0")
        self.assertNotIn("\u202e", page.inner_text("body"))
        self.assertEqual(self.told, [])
        page.evaluate(
            "document.body.append(Object.assign(document.createElement('script'), { textContent: 'window.hacked = 2' }))"
        )
        page.evaluate("fetch('https://example.com/').catch(() => {})")
        self.assertIsNone(page.evaluate("window.hacked ?? null"))
        self.assertTrue(
            all("Content Security Policy" in told for told in self.told) and len(self.told) >= 2, self.told
        )
        self.assertEqual(self.requests, [file.as_uri()])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--packwatch", type=Path, default=PACKWATCH)
    _, rest = parser.parse_known_args(namespace=OPTIONS)
    unittest.main(argv=[sys.argv[0], *rest])
