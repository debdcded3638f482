#!/usr/bin/python3
"""A site that first answers with a page which sets a cookie and loads again, status 200 and nothing of the
article, as some do. By itself: wall.py PORT FILE serves FILE behind such a wall."""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PASS = "EO_Bot_Ssid=4173"
WALL = b"""<!DOCTYPE html><html><head><meta charset="utf-8"><script>
setTimeout(function () {
  var parts = {p: 4096, q: 77}, sum = 0;
  for (var k in parts) sum += parts[k];
  document.cookie = "EO_Bot_Ssid=" + sum;
  location.href = location.href.replace(/[?&]wait/, "");
}, 1200)</script></head><body></body></html>"""


def behind_wall(page, cookies):
    return page if PASS in (cookies or "") else WALL


class WallHandler(BaseHTTPRequestHandler):
    def do_GET(self):
        page = behind_wall(self.server.page, self.headers.get("Cookie"))
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)


def main():
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), WallHandler)
    with open(sys.argv[2], "rb") as page:
        server.page = page.read()
    server.serve_forever()


if __name__ == "__main__":
    main()
