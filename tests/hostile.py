"""The one hostile corpus: what a browser never sends and somebody else will. It grows with every bug: what once broke something is added to FOUND.

VALUES are percent-encoded, so that bytes no text can hold are sent as a hostile client sends them. Everything that is spoken outside of the
body – methods, headers, cookies, paths – is bytes.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

HOSTILE = [
    "%00", "a%00b", quote("9" * 5000), "-1", "0", quote("9" * 19), "9223372036854775808", "1e999", "NaN", "Infinity", "%2B", "1,5,5", "--1",
    quote('{"a":'), quote("[1,2"), quote('{"a":' * 500), "%5Bnull%5D", quote("\\ud800"), "%ED%A0%80", "%FC", "%FF%FE", "%C3%28", quote("﷽" * 300),
    quote("' OR 1=1 --"), quote('"><script>alert(1)</script>'), quote("{{7*7}}{% now %}"), quote("../../etc/passwd"), quote("(((("), "%0D%0ASet-Cookie:%20a=b",
    "0000-00-00", "99999-12-31", "31.02.2026", "2026-13-45T99:99", quote("x" * 20_000), "true", "None", "null", "__proto__", "%F0%9F%92%A9" * 50,
    "bm90IGpzb24", "W251bGwsMV0", "WyJ4Il0", "pk", "-pk", "password", "owner__password", "id__gt", "%E2%80%AE",
]  # fmt: skip

# Each broke something once: (where it is sent, what is sent, what it broke).
FOUND: list[tuple[str, str | bytes, str]] = [
    ("value", "101", "a rate above 100: its refusal held a % that was taken for a place to fill in"),
    ("value", "150%25", "the same, as people type it"),
    ("method", b"DELETE", "a page that asks whether to delete: Django's view took it for the answer"),
]


def found(where: str) -> list[Any]:
    """What was found of one kind."""
    return [sample for place, sample, _broke in FOUND if place == where]


VALUES = [
    *HOSTILE, *found("value"),
    "", "%20", "%C2%A0", "%25s", "%25(x)s", "%25", quote("%s%s%n"), "{0.__class__}", quote("${7*7}"), "1.7976931348623157e309", "-0", "0x10", "1_000", "%D9%A3%D9%A4", "%E2%85%A7", "%C2%B2",
    "0001-01-01", "9999-12-31", "2026-03-29T02:30", "2026-10-25T02:30", "24:00", "now", "infinity", "-infinity", "today", "P1Y",
    "%5B%5D", "%7B%7D", "%22%22", quote('{"all":null}'), quote('{"any":[{"field":null}]}'), quote('{"not":{"not":{"not":{}}}}'), quote('[{"kind":"text","text":null}]'), quote('{"kind":[]}'),
    quote("[" * 3000), quote('{"field":"name","op":"is","value":{"a":1}}'), "W251bGwsbnVsbF0", "WyIxIiwgOTk5OTk5OTk5OTk5OTk5OTk5OTld", "WzEsMV0", "e30", "=", "====", "%0A", "a%0Ab", "%09",
    quote("a@b@c"), quote('"a b"@example.test'), quote("x" * 70 + "@example.test"), quote("ü@ß.test"), quote("a@[127.0.0.1]"), quote("mailto:a@example.test?bcc=b"), quote("javascript:alert(1)"), quote("//foreign.test/"),
    quote("http://[::1"), quote("https://foreign.test:99999/"), quote("\u202e\u2066\u200b"), quote("İıſK"), quote("e\u0301" * 2000), quote("ß" * 300), "%F4%90%80%80", "%C0%80", "%EF%BF%BF", quote("\x7f\x1b[31m"),
    quote("+" * 200), quote("((a+)+)+$" + "a" * 60), quote(" " * 5000 + "x"), quote("<" * 2000), quote("&" * 2000), quote("{" * 2000), quote("a{" * 1000), quote("'" * 500), quote("\\" * 501),
    "2147483648", "-2147483649", "-9223372036854775809", "1e-400", "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff", "de-DE-x-lotse", "zh-Hant", "DE%00",
]  # fmt: skip

METHODS = [*found("method"), b"PUT", b"PATCH", b"OPTIONS", b"TRACE", b"HEAD", b"PROPFIND", b"MOVE", b"LOTSE", b"M-SEARCH"]

HEADERS: list[tuple[bytes, list[bytes]]] = [
    (b"Content-Type", [b"text/plain; charset=idna", b"text/plain; charset=undefined", b"text/plain; charset*=klingon''x", b"a/b; charset=\xff", b"x; charset=base64", b"x; charset=unicode_escape"]),
    (b"Accept-Language", [b"", b"*", b"de-" * 400, b"xx;q=nan", b"de;q=1e9", b"\xff\xfe", b"de\x00", b"en;q=0.0000001," * 300, b"../../x", b"zh-hant-x-" + b"y" * 400]),
    (b"Accept", [b"", b"*/*;q=x", b"text/html;level=" + b"1" * 3000, b"application/json", b"a/b;" * 500, b"\xc3\x28"]),
    (b"Accept-Encoding", [b"br;q=nope", b"gzip, " * 500, b"\xff", b"identity;q=0, *;q=0"]),
    (b"Range", [b"bytes=0-", b"bytes=-1", b"bytes=5-1", b"bytes=" + b"0-1," * 1000, b"bytes=99999999999999999999-", b"lines=1-2", b"\xff"]),
    (b"If-Modified-Since", [b"yesterday", b"Thu, 99 Foo 9999 99:99:99 GMT", b"Thu, 01 Jan 0000 00:00:00 GMT", b"\xff", b"Sat, 31 Feb 2026 00:00:00 GMT"]),
    (b"If-None-Match", [b"*", b'"', b'W/"' + b"x" * 3000, b'"a",' * 1000, b"\xff"]),
    (b"If-Unmodified-Since", [b"0", b"Thu, 01 Jan 1970 00:00:00 GMT", b"\xfc"]),
    (b"X-Forwarded-For", [b"", b"not an address", b"1.2.3.4, " * 500, b"::ffff:999.1.1.1", b"\xff", b"127.0.0.1\x0b", b"[::1"]),
    (b"X-Forwarded-Proto", [b"https", b"https,http", b"gopher", b"\xff"]),
    (b"X-Forwarded-Host", [b"foreign.test", b"a b", b"\xff", b"x" * 3000]),
    (b"X-Forwarded-Port", [b"-1", b"99999999999", b"x"]),
    (b"Forwarded", [b"for=;;=", b'for="[::1";host=\xff']),
    (b"Referer", [b"", b"http://[::1", b"https://foreign.test/x", b"javascript:alert(1)", b"http://127.0.0.1:99999999/", b"\xff\xfe", b"/" * 4000, b"//"]),
    (b"Origin", [b"null", b"http://[", b"https://foreign.test", b"\xff", b"http://a:b:c"]),
    (b"HX-Request", [b"true", b"false", b"", b"\xff"]),
    (b"HX-Current-URL", [b"http://[::1", b"//", b"\xff", b"javascript:1", b"%%%", b"http://127.0.0.1:x/", b"x" * 4000, b"http://127.0.0.1/\x85"]),
    (b"HX-Current-URL-URI-AutoEncoded", [b"true"]),
    (b"HX-Prompt", [b"\xff", b"%ff"]),
    (b"HX-Target", [b"\xff", b"x" * 3000, b'"><script>']),
    (b"HX-Trigger", [b"{", b"\xff"]),
    (b"HX-Boosted", [b"true", b"1", b"\xff"]),
    (b"Idempotency-Key", [b"", b"x", b"00000000-0000-0000-0000-000000000000", b"\xff", b"{" + b"0" * 32 + b"}", b"urn:uuid:" + b"f" * 32, b"9" * 5000]),
    (b"X-CSRFToken", [b"", b"x" * 64, b"\xff" * 32, b"a" * 5000]),
    (b"Authorization", [b"Basic", b"Basic !!!", b"Bearer \xff", b"Bearer ", b"Digest x=\"", b"Basic " + b"QQ" * 2000]),
    (b"Host", [b"", b"foreign.test", b"127.0.0.1:99999999", b"[::1", b"a b", b"\xff", b"127.0.0.1@foreign.test", b"x" * 3000, b"127.0.0.1\x00"]),
    (b"User-Agent", [b"", b"\xff" * 300, b"x" * 7000, b"%s%n{0}"]),
    (b"Content-Length", [b"-1", b"x", b"99999999999999999999", b"0x10", b"1, 2", b"+5", b"\xff"]),
    (b"Expect", [b"100-continue", b"200-ok", b"\xff"]),
    (b"Upgrade", [b"websocket", b"h2c"]),
    (b"Connection", [b"upgrade", b"close, close", b"\xff"]),
    (b"Transfer-Encoding", [b"identity", b"chunked, chunked", b"gzip", b"xchunked", b"\xff"]),
    (b"Cookie", [b"", b"lotse", b"lotse=; lotse=x", b"lotse=\xff\xfe", b"lotse=" + b"x" * 7000, b"a=b;" * 1500, b"lotse-csrf=\xff", b'lotse="\\377\\000"', b"django_language=../../x", b"django_language=\xff",
                  b"django_language=" + b"x" * 6000, b"messages=x", b"sessionid=../../../etc/passwd", b"=; =; ;;;", b"lotse=\x00"]),
    (b"X-HTTP-Method-Override", [b"DELETE", b"\xff"]),
    (b"X-Request-Id", [b"\xff", b"x" * 3000]),
    (b"Sec-Fetch-Site", [b"cross-site", b"\xff"]),
    (b"Cache-Control", [b"max-age=-1", b"\xff"]),
    (b"Script_Name", [b"/x"]),
    (b"X" * 3000, [b"x"]),
]  # fmt: skip
# Cookies that are added to those of somebody who is signed in.
COOKIES = [b"django_language=\xff", b"django_language=" + b"x" * 3000, b"a=" + b"y" * 3500, b'b="\\054\\000"', b"c=\x01", b";;;;", b"lotse-csrf=x", b"messages=W1tdXQ", b"messages=\xff", b"__Host-x=%00", b"d=1;" * 500]

CONTENT_TYPES = [
    b"", b"text/plain", b"application/json", b"application/json; charset=utf-16", b"application/x-www-form-urlencoded; charset=klingon", b"application/x-www-form-urlencoded; charset=utf-7",
    b"application/x-www-form-urlencoded; charset=idna", b"application/x-www-form-urlencoded; charset=rot13", b"application/x-www-form-urlencoded; charset=\xff", b"application/x-www-form-urlencoded; charset=punycode",
    b"multipart/form-data", b"multipart/form-data; boundary=", b"multipart/form-data; boundary=" + b"x" * 300, b"multipart/form-data; boundary=\xff", b'multipart/form-data; boundary="', b"multipart/form-data; boundary=a b",
    b"multipart/form-data; charset=klingon; boundary=x", b"multipart/form-data; boundary*=utf-8''x", b"multipart/form-data; boundary*=klingon''%ff", b"multipart/mixed; boundary=x", b"\xff/\xfe", b"text/" + b"x" * 4000,
    b"application/x-www-form-urlencoded" + b";a=b" * 500, b"application/x-www-form-urlencoded; charset", b"; charset=utf-8", b"application/xml", b"text/plain; charset=idna", b"text/plain; charset=undefined",
]  # fmt: skip
# Mostly good ones, so that what stands within is read.
MULTIPART_TYPES = [*[b"multipart/form-data; boundary=edge"] * 8, *(b"multipart/form-data; boundary=edge; charset=" + name for name in (b"rot13", b"idna", b"punycode", b"undefined", b"utf-16", b"base64", b"\xff"))]
BODIES = [
    b"", b"null", b"[]", b"{}", b"0", b'"x"', b"[null]", b'{"a":', b"[" * 5000, b'{"a":' * 3000, b"\xff\xfe\x00", b"\x00" * 1000, b"&" * 1500, b"=" * 3000, b"a=" + b"1&a=" * 1900, b"a=1&" * 10_000, b"%" * 500, b"a=%u0041", b"%ff=%fe",
    b"_key=&_key=&_key=", b"csrfmiddlewaretoken=x&csrfmiddlewaretoken=y", b"page=%00", b"q=" + b"%ed%a0%80" * 100, b"a[]=1&a[b]=2&a[][]=3", b"ids=" + b"1&ids=" * 1900 + b"x", b"ids=-1&ids=9223372036854775808&ids=x", b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>", b"x" * 300_000,
]  # fmt: skip
EDGE = b"edge"
_PART = b'--edge\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
MULTIPARTS = [
    b"", b"--edge", b"--edge--", b"--edge--\r\n", b"--edge\r\n\r\n\r\n--edge--\r\n", b"--other\r\n\r\nx\r\n--other--\r\n", b"--edge\r\nContent-Disposition: form-data\r\n\r\nx\r\n--edge--\r\n",
    _PART % (b"", b"x") + b"--edge--\r\n", _PART % (b"\xff", b"\xff") + b"--edge--\r\n", _PART % (b"a\x00b", b"\x00") + b"--edge--\r\n", _PART % (b"_key", b"x") * 1900 + b"--edge--\r\n", (_PART % (b"q", b"x")) + b"--edge\r\n",
    b"--edge\r\n" + b"X: y\r\n" * 3000 + b"\r\nx\r\n--edge--\r\n", b"--edge\r\nContent-Disposition: form-data; name=\"q\"\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!!\r\n--edge--\r\n",
    b"--edge\r\nContent-Disposition: form-data; name=\"q\"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=FF=\r\n--edge--\r\n", b"--edge\r\nContent-Disposition: form-data; name*=klingon''%ff\r\n\r\nx\r\n--edge--\r\n",
    b'--edge\r\nContent-Disposition: form-data; name="files"; filename=""\r\n\r\n\r\n--edge--\r\n', b'--edge\r\nContent-Disposition: form-data; name="files"; filename="../../x\x00.csv"\r\nContent-Type: \xff\r\n\r\na;b\r\n--edge--\r\n',
    b'--edge\r\nContent-Disposition: form-data; name="files"; filename*=utf-8\'\'%ff%00\r\n\r\nx\r\n--edge--\r\n', b'--edge\r\nContent-Disposition: form-data; name="files"; filename="' + b"x" * 5000 + b'"\r\n\r\nx\r\n--edge--\r\n',
    b'--edge\r\nContent-Disposition: form-data; name="files"; filename="a.csv"\r\nContent-Type: text/csv; charset=klingon\r\nContent-Length: x\r\n\r\n\xff;\x00\r\n--edge--\r\n', b'--edge\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n' + b"x" * 200_000,
    b"--edge\r\n" * 2000 + b"--edge--", b"--edge\nContent-Disposition: form-data; name=q\n\nx\n--edge--\n", b"--edge\r\n: x\r\n\r\nx\r\n--edge--\r\n", b"--edge\r\nContent-Disposition: " + b"form-data;" * 3000 + b"\r\n\r\nx\r\n--edge--\r\n",
]  # fmt: skip
UPLOADS = [b"", b"\x00" * 1000, b"\xff\xfe\x00\xd8", b"a;b\n" + b"x" * 2_000_000, b";".join([b"c"] * 20_000), b'"' * 5000, b"\xef\xbb\xbf", b"a;a;a\n1;2\n", b"PK\x03\x04" + b"\x00" * 50, b"%PDF-1.4\n%\xff"]

# Parts that stand in an address for a number, a name or a token.
PARTS = [
    b"0", b"1", b"-1", b"999999999999999999", b"9999999999999999999", b"1e5", b"%00", b"%2F", b"..%2F..", b"%2e%2e", b".", b"..", b"%FF", b"%ED%A0%80", b"%25", b"%", b"%zz", b"%C3%28", b";", b";jsessionid=1", b"%0D%0A", b"%20", b"+", b"*", b"~",
    b"null", b"undefined", b"x" * 2000, b"%F0%9F%92%A9" * 20, b"\xc3\xa4", b"\xff", b"a:b:c", b"Im5ldHRlciBWZXJzdWNoIg:1wabcd:0123456789abcdefghij", b":::::", b"e30:1:1", b"%22%3E%3Cscript%3E", b"00000000-0000-0000-0000-000000000000", b"%D9%A1", b"1%0A", b"1%00",
    b"admin", b"new", b"edit", b"password", b"__class__", b"%5C", b"\\", b"|", b"{", b"[", b"C:", b"con", b"",
]  # fmt: skip
PATHS = [
    b"//", b"///today/", b"//foreign.test/", b"/%2F%2Fforeign.test", b"/./today/", b"/../../etc/passwd", b"/today/../today/", b"/%00", b"/%FF/", b"/%ED%A0%80/", b"/static/../crm/settings.py", b"/static/%2e%2e/%2e%2e/etc/passwd", b"/static/%00", b"/static/css",
    b"/static//", b"/static/" + b"x" * 3000, b"/media/x", b"/favicon.ico", b"/robots.txt", b"/.env", b"/.git/HEAD", b"/admin/..%2f", b"/admin/autocomplete/?app_label=x&model_name=y&field_name=z", b"/admin/r/1/1/", b"/admin/r/x/y/", b"/admin/jsi18n/?%FF", b"/metrics",
    b"/accounts/password/reset/key/0-x/", b"/accounts/password/reset/key/%FF-%FF/", b"/accounts/confirm-email/%FF/", b"/accounts/confirm-email/MQ:1:1/", b"/accounts/login/?next=//foreign.test", b"/accounts/login/?next=http://[::1", b"/accounts/login/?next=%00", b"/accounts/login/?next=%FF",
    b"/?" + b"a=1&" * 1500, b"/?" + b"&" * 3000, b"/?%FF=%FE", b"/?=", b"/?a[b]=c", b"/today/?" + b"q=" + b"1&q=" * 1200, b"*", b"foreign.test:443", b"http://foreign.test/", b"http://[::1/", b"/" + b"a/" * 1500, b"/today/#x", b"/today/ x", b"/\xc3\xa4/", b"/?\xff",
    b"/sales/opportunities/?" + b"stage=1&" * 600, b"/contacts/people/?" + b"sort=name&" * 400, b"/search/?q=" + b"a%20" * 1200, b"/contacts/people/?after=" + b"WyJ4Iiw" * 300,
]  # fmt: skip

# Bytes that are no request, or not one; each opens a connection of its own. The first line may be a good one.
RAW = [
    b"\r\n\r\n", b"\x00\x00\x00\x00", b"GET\r\n\r\n", b"GET /\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"GET  /  HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", b"get / http/1.1\r\nhost: localhost\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nX\r\n\r\n", b"GET / HTTP/1.1\r\nHost: localhost\r\n: x\r\n\r\n", b"GET / HTTP/1.1\r\nHost: localhost\r\n x: y\r\n\r\n", b"GET / HTTP/1.1\r\nHost : localhost\r\n\r\n", b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b\r\n\r\n", b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 200 + b"\r\n", b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 20_000 + b"\r\n\r\n", b"GET / HTTP/1.1\r\nHost: localhost\r\nX: \x00\x01\x7f\r\n\r\n", b"GET /\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"POST /write/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\naaaaaa", b"POST /write/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n", b"POST /write/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5, 5\r\n\r\naaaaa",
    b"POST /write/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n\r\n", b"POST /write/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n\r\n", b"POST /write/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nx\r\n0\r\n\r\n",
    b"POST /write/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nx", b"POST /write/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na=1\r\n0\r\n\r\n",
    b"POST /write/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=edge\r\nContent-Length: 500\r\n\r\n--edge\r\nContent-Disposition: form-data; name=\"q\"\r\n\r\nx", b"POST /accounts/login/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 500\r\n\r\nlogin=x",
    b"POST /write/ HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n", b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n", b"GET /health/ HTTP/1.1\r\nHost: localhost\r\n\r\nGET /health/ HTTP/1.1\r\nHost: localhost\r\n\r\n\x00\xff", b"GET /health/ HTTP/1.0\r\n\r\n",
    b"GET /health/ HTTP/1.1\r\nHost: localhost\r\n\r\nPOST /write/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", b"CONNECT foreign.test:443 HTTP/1.1\r\nHost: foreign.test:443\r\n\r\n",
    b"GET http://foreign.test/ HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET / HTTP/1.1\nHost: localhost\n\n", b"PROXY TCP4 1.2.3.4 1.2.3.4 1 1\r\nGET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"G\xffT / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
]  # fmt: skip
