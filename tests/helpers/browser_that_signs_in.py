"""A program for BROWSER: Chromium, in which a player signs in at oidc-provider's own pages.

    python browser_that_signs_in.py URL

It prints what the last page says, unless REJOIN_TEST_QUIET is set. With REJOIN_TEST_USER_CODE it
types that code first (RFC 8628).
"""

from __future__ import annotations

import os
import sys

from playwright.sync_api import sync_playwright

from helpers.chromium import CHROMIUM, FLAGS

PLAYER = "canary-player"


def main() -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        page = browser.new_page()
        # Its pages want a font from the internet.
        page.route(
            "**/*",
            lambda route: route.continue_() if "127.0.0.1" in route.request.url else route.abort(),
        )
        page.goto(sys.argv[1])
        code = os.environ.get("REJOIN_TEST_USER_CODE")
        if code:
            if page.locator("input[name=user_code]:not([type=hidden])").count():
                page.fill("input[name=user_code]", code)
            page.click("[type=submit]")
        page.fill("input[name=login]", PLAYER)
        page.fill("input[name=password]", "any")
        page.click("[type=submit]")
        page.click("[type=submit]")
        page.wait_for_selector("body")
        if "REJOIN_TEST_QUIET" not in os.environ:
            print(page.inner_text("body"), flush=True)
        browser.close()


if __name__ == "__main__":
    main()
