"""A small HTTP server that stands for suppliers, bank, carrier, warehouse and mailing list."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from django.test import override_settings


class Partner:
    """Answers from `answers` ("METHOD /path" to a JSON value), else with 404; keeps `requests`."""

    def __init__(self):
        self.answers = {}
        self.requests = []
        partner = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                key = f"{self.command} {self.path}"
                partner.requests.append((key, json.loads(body) if body else None))
                content = json.dumps(partner.answers.get(key)).encode()
                self.send_response(200 if key in partner.answers else 404)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_DELETE = answer

            def log_message(self, *args):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.01,), daemon=True
        )
        self._thread.start()

    def close(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class PartnerMixin:
    """Gives a test case a running `self.partner` behind all the shop's addresses."""

    def setUp(self):
        super().setUp()
        self.partner = Partner()
        self.addCleanup(self.partner.close)
        settings = override_settings(
            PAYMENT_URL=self.partner.url,
            WAREHOUSE_URL=self.partner.url,
            CARRIER_URL=self.partner.url,
            MAILING_LIST_URL=self.partner.url,
        )
        settings.enable()
        self.addCleanup(settings.disable)
