"""The page of `packwatch board --output html`, used in Chromium as a person does. Run by `make test-board`."""

import argparse
import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from chromium import browser
from organization import Organization

PACKWATCH = Path(__file__).resolve().parent.parent / "target/debug/packwatch"
OPTIONS = argparse.Namespace()
# Scrolls through a grid and gives the text of each row once, by its number.
ROWS = """async (id) => {
  const grid = document.getElementById(id), rows = new Map();
  for (grid.scrollTop = 0; ; grid.scrollTop += 400) {
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    for (const row of grid.querySelectorAll(".row"))
      rows.set(+row.getAttribute("aria-rowindex"), [...row.children].map((cell) => cell.innerText.trim()));
    if (grid.scrollTop + grid.clientHeight >= grid.scrollHeight - 1) break;
  }
  return [...rows].sort(([a], [b]) => a - b).map(([, cells]) => cells);
}"""


def is_ill(row: dict) -> bool:
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

    def open(self, file: Path | None = None, **options):
        context = self.browser.new_context(viewport={"width": 1360, "height": 800}, **options)
        self.addCleanup(context.close)
        page = context.new_page()
        self.told, self.requests = [], []
        page.on("console", lambda message: self.told.append(message.text))
        page.on("pageerror", lambda error: self.told.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        page.goto((file or self.file).as_uri())
        return page

    def count(self, page) -> tuple[int, int]:
        words = page.inner_text("#count").replace(",", "").split()
        return int(words[0]), int(words[3])

    def expected(self, fits) -> tuple[int, int]:
        found = [row for row in self.rows if fits(row)]
        return len(found), len({row["AccountId"] for row in found})

    def test_it_opens_from_a_file_alone_and_says_how_many_are_not_well(self):
        page = self.open()
        deployments, accounts = self.expected(is_ill)
        self.assertGreater(accounts, 10)
        self.assertTrue(
            page.inner_text("#headline").replace("\n", " ").startswith(f"{accounts} of 300 accounts not well")
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
            ({"region": region}, lambda row: is_ill(row) and row["Region"] == region),
            (
                {"pack": f"{pack} · {self.rows[-1]['Region']}"},
                lambda row: is_ill(row) and row["OrganizationConformancePackName"] == pack,
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
        shown = page.evaluate(ROWS, "list")
        ill = [row for row in self.rows if is_ill(row)]
        self.assertEqual(
            sorted((row[0], row[2]) for row in shown),
            sorted((row["AccountId"], row["OrganizationConformancePackName"]) for row in ill),
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
        shown = page.evaluate(ROWS, "matrix")
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
            shown = [row[key] for row in page.evaluate(ROWS, "list")]
            plain = [text.lstrip("✕!?…·\n ") for text in shown]
            self.assertEqual(plain, sorted(plain))

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
        account = next(row for row in self.rows if is_ill(row) and "ErrorMessage" in row)
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
        for row in filter(is_ill, self.rows):
            self.assertIn(row["AccountId"], paper)
        self.assertIn("To do:", paper)
        self.assertEqual(page.locator("#printed *").count(), 0, "gone again from the screen")

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
        subprocess.run(
            [OPTIONS.packwatch, "board", "--store", store, "--output", "html", "--out", file], check=True
        )
        page = self.open(file)
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
