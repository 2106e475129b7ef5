#!/usr/bin/env python3
"""The status page in a headless Chromium, beside a real agent with 200 tokens.

  tests/page/page_test.py BUILD_DIR [SCREENSHOT_DIR]     status 77: there is no Chromium
"""

import http.client
import os
import shutil
import sys
import unittest
from pathlib import Path

from browser import Browser
from fleet_of_tokens import COUNT, SECRET, Fleet

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SHOTS = None
fleet = browser = None

SHOWN = "[...document.querySelectorAll('tbody.token')].filter(row => row.offsetParent !== null)"
NAMES = f"{SHOWN}.map(row => row.dataset.name)"


def row(name):
    return f"document.querySelector('tbody[data-name=\"{name}\"]')"


def setUpModule():
    global fleet, browser
    fleet = Fleet(sys.argv[1])
    unittest.addModuleCleanup(fleet.close)  # also if what follows fails
    fleet.start()
    fleet.wait(lambda: fleet.kinds() == {"bad": 6, "good": COUNT - 6})
    for n in range(4):
        fleet.refresh(f"chat-failing-{n}")
    fleet.wait(lambda: fleet.kinds() == {"bad": 6, "warn": 4, "good": COUNT - 10})
    for _ in range(3):
        before = fleet.events("wechat-official")
        fleet.refresh("wechat-official")
        fleet.wait(lambda: fleet.events("wechat-official") >= before + 3)
    browser = Browser(CHROMIUM)
    unittest.addModuleCleanup(browser.close)


class StatusPage(unittest.TestCase):
    def open(self, **options):
        page = browser.page(**options).open(fleet.url + "/")
        self.addCleanup(page.close)
        if options.get("scripts", True):
            page.wait("document.getElementById('news').textContent === 'live'")
        return page

    def shot(self, page, name, whole=False):
        if SHOTS:
            page.screenshot(SHOTS / f"{name}.png", whole)

    def test_every_token_has_a_row_the_worst_first(self):
        page = self.open()
        self.assertEqual(page.ask("document.querySelectorAll('tbody.token').length"), COUNT)
        names = page.ask(NAMES)
        self.assertEqual(set(names[:6]), {"ledger-without-0", "ledger-without-1", "ledger-without-2", "mail-expired-0",
                                          "mail-expired-1", "maps-hostile"})
        self.assertEqual(names[6:10], [f"chat-failing-{n}" for n in range(4)])
        self.assertEqual(names[10:], sorted(names[10:]))
        self.assertIn(f"{COUNT - 6} of {COUNT} valid", page.ask("document.getElementById('agent').textContent"))
        self.shot(page, "light")
        self.assertEqual(page.complaints(), [])
        self.assertEqual([url for url in page.requests() if not url.startswith((fleet.url, "data:"))], [])

    def test_times_and_timelines_go_on(self):
        page = self.open()
        ask = f"{row('wechat-official')}.querySelector('svg.life .now').getAttribute('x1')"
        before = page.ask(ask)
        page.wait(f"{ask} !== '{before}'")
        place = page.ask(f"parseFloat({ask})")
        self.assertTrue(0 < place < 100, place)

    def test_filter_by_keyboard_and_by_mouse(self):
        page = self.open()
        page.press("/")
        self.assertEqual(page.ask("document.activeElement.id"), "words")
        page.type("expired MAIL")
        self.assertEqual(page.ask(NAMES), ["mail-expired-0", "mail-expired-1"])
        self.assertEqual(page.ask("document.getElementById('shown').value"), f"2 of {COUNT} tokens")
        self.shot(page, "filter")
        page.type("nothing")
        self.assertTrue(page.ask("document.getElementById('none').offsetParent !== null"))
        page.press("Escape")
        self.assertEqual(page.ask(f"{SHOWN}.length"), COUNT)
        page.click("#troubled")
        self.assertEqual(page.ask(f"{SHOWN}.length"), 10)

    def test_arrows_choose_a_row_and_enter_opens_it(self):
        page = self.open()
        focused = "document.activeElement.closest('tbody')?.dataset.name"
        names = page.ask(NAMES)
        page.press("ArrowDown")
        page.press("ArrowDown")
        self.assertEqual(page.ask(focused), names[1])
        page.press("End")
        self.assertEqual(page.ask(focused), names[-1])
        page.press("Home")
        page.press("ArrowUp")
        self.assertEqual(page.ask(focused), names[0])
        more = f"{row(names[0])}.querySelector('.more').offsetParent !== null"
        self.assertFalse(page.ask(more))
        page.press("Enter")
        self.assertTrue(page.ask(more))
        page.press("Enter")
        self.assertFalse(page.ask(more))
        self.assertEqual(page.ask("document.querySelectorAll('summary[tabindex=\"0\"]').length"), 1)

    def test_chosen_row_is_not_under_the_head_of_the_table(self):
        page = self.open()
        page.press("ArrowDown")
        page.press("End")
        for _ in range(20):
            page.press("ArrowUp")
        top = page.ask("document.activeElement.getBoundingClientRect().top")
        self.assertGreaterEqual(top, page.ask("document.querySelector('thead').getBoundingClientRect().bottom"))

    def test_rotation_is_shown_without_loading_and_keeps_focus_and_opened_rows(self):
        page = self.open()
        name = "wechat-official"
        page.ask(f"window.loaded = 'once'; {row(name)}.querySelector('details').open = true;"
                 f"{row(name)}.querySelector('summary').focus()")
        marks = f"{row(name)}.querySelectorAll('.life .refreshed').length"
        events = f"{row(name)}.querySelectorAll('.history li').length"
        before, listed = page.ask(marks), page.ask(events)
        self.assertGreater(before, 0)
        fleet.refresh(name)
        page.wait(f"{events} > {listed} && {row(name)}.querySelector('.badge').textContent === 'valid'")
        self.assertEqual(page.ask("window.loaded"), "once")
        self.assertTrue(page.ask(f"{row(name)}.querySelector('.more').offsetParent !== null"), "it stays open")
        self.assertEqual(page.ask("document.activeElement.closest('tbody')?.dataset.name"), name)
        self.shot(page, "rotated")

    def test_without_scripts_the_table_is_complete(self):
        page = self.open(scripts=False)
        self.assertEqual(page.ask("document.querySelectorAll('tbody.token').length"), COUNT)
        self.assertFalse(page.ask("document.getElementById('filter').offsetParent !== null"), "no filter that does nothing")
        first = page.ask(NAMES)[0]
        page.click("tbody.token summary")
        self.assertTrue(page.ask(f"{row(first)}.querySelector('.more').offsetParent !== null"))
        self.assertIn("load the page again", page.ask("document.querySelector('footer').innerText"))
        self.shot(page, "without-scripts")

    def test_page_that_was_loaded_just_now_is_not_sent_all_rows_again(self):
        page = self.open()
        news = [event["params"]["data"] for event in browser.events
                 if event["method"] == "Network.eventSourceMessageReceived" and event.get("sessionId") == page.session]
        self.assertTrue(news)
        for each in news:  # a second may have passed
            self.assertIn('"complete":false', each)

    def test_hidden_page_asks_for_no_news_before_it_is_shown(self):
        page = browser.page()
        self.addCleanup(page.close)
        page.call("Page.addScriptToEvaluateOnNewDocument", source="""
            window.isHidden = true;
            window.opened = 0;
            Object.defineProperty(Document.prototype, "hidden", {get: () => window.isHidden});
            window.EventSource = class extends window.EventSource {
              constructor(...given) { super(...given); window.opened += 1; }
            };""")
        page.open(fleet.url + "/")
        self.assertEqual(page.ask("window.opened"), 0)
        page.ask("window.isHidden = false; document.dispatchEvent(new Event('visibilitychange'))")
        page.wait("document.getElementById('news').textContent === 'live'")
        self.assertEqual(page.ask("window.opened"), 1)

    def test_on_a_phone_nothing_is_wider_than_the_screen(self):
        for width in (320, 390):
            page = self.open(width=width, height=844)
            page.ask(f"{row('maps-hostile')}.querySelector('details').open = true")
            page.ask(f"{row('wechat-official')}.querySelector('details').open = true")
            self.assertLessEqual(page.ask("document.documentElement.scrollWidth"), width)
            self.shot(page, f"phone-{width}")
            page.ask(f"{row('wechat-official')}.scrollIntoView()")
            self.shot(page, f"phone-{width}-opened")

    def test_dark_mode_has_a_dark_ground_and_a_light_text(self):
        brightness = ("(name => getComputedStyle(document.body)[name].match(/\\d+/g).slice(0, 3)"
                      ".reduce((sum, part) => sum + Number(part), 0))")
        for dark in (False, True):
            page = self.open(dark=dark)
            ground = page.ask(f"{brightness}('backgroundColor')")
            text = page.ask(f"{brightness}('color')")
            self.assertEqual(ground < text, dark, (ground, text))
            if dark:
                page.ask(f"{row('chat-failing-0')}.querySelector('details').open = true")
                self.shot(page, "dark")

    def test_hostile_error_of_a_provider_is_text(self):
        page = self.open()
        self.assertEqual(page.ask("document.querySelectorAll('tbody script, tbody img').length"), 0)
        self.assertNotEqual(page.ask("document.title"), "hostile")
        self.assertIn("<script>", page.ask(f"{row('maps-hostile')}.textContent"))

    def test_no_token_and_no_secret_is_in_the_page_or_its_news(self):
        page = self.open()
        self.assertNotIn(SECRET, fleet.get("/"))
        self.assertNotIn(SECRET, page.ask("document.documentElement.outerHTML"))

    def test_answers_forbid_frames_storage_and_other_names_of_the_host(self):
        connection = http.client.HTTPConnection("127.0.0.1", fleet.port)
        self.addCleanup(connection.close)
        connection.request("GET", "/")
        answer = connection.getresponse()
        answer.read()
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.headers["Content-Type"], "text/html; charset=utf-8")
        self.assertEqual(answer.headers["Cache-Control"], "no-store")
        self.assertEqual(answer.headers["X-Frame-Options"], "DENY")
        self.assertEqual(answer.headers["X-Content-Type-Options"], "nosniff")
        self.assertIn("frame-ancestors 'none'", answer.headers["Content-Security-Policy"])
        self.assertIsNone(answer.headers["Access-Control-Allow-Origin"])
        for path in ("/", "/events", "/metrics"):
            connection.request("GET", path, headers={"Host": "rebound.example"})
            answer = connection.getresponse()
            answer.read()
            self.assertEqual(answer.status, 421, path)

    def test_when_the_agent_goes_away_the_page_says_so_and_comes_back(self):
        page = self.open()
        fleet.stop()
        page.wait("document.getElementById('news').className === 'away'")
        self.assertEqual(page.ask(f"{SHOWN}.length"), COUNT, "what was known stays")
        self.shot(page, "away")
        fleet.start()
        page.wait("document.getElementById('news').textContent === 'live'")
        self.assertEqual(page.ask(f"{SHOWN}.length"), COUNT)


if __name__ == "__main__":
    if not CHROMIUM:
        print("skipped: no chromium on this machine: .ci/install-packages page")
        sys.exit(77)
    if len(sys.argv) > 2:
        SHOTS = Path(sys.argv[2])
        os.makedirs(SHOTS, exist_ok=True)
    unittest.main(argv=sys.argv[:1], verbosity=2)
