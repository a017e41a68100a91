#include "wire/http_conn.h"

#define LINE(code, reason)                                                                         \
	case code:                                                                                 \
		return STR("HTTP/1.1 " #code " " reason "\r\n")

struct str
http_status_line(int status)
{
	static _Thread_local char other[32];
	switch (status) {
		LINE(200, "OK");
		LINE(201, "Created");
		LINE(202, "Accepted");
		LINE(204, "No Content");
		LINE(206, "Partial Content");
		LINE(301, "Moved Permanently");
		LINE(302, "Found");
		LINE(303, "See Other");
		LINE(304, "Not Modified");
		LINE(307, "Temporary Redirect");
		LINE(308, "Permanent Redirect");
		LINE(400, "Bad Request");
		LINE(401, "Unauthorized");
		LINE(403, "Forbidden");
		LINE(404, "Not Found");
		LINE(405, "Method Not Allowed");
		LINE(406, "Not Acceptable");
		LINE(408, "Request Timeout");
		LINE(409, "Conflict");
		LINE(410, "Gone");
		LINE(411, "Length Required");
		LINE(412, "Precondition Failed");
		LINE(413, "Content Too Large");
		LINE(414, "URI Too Long");
		LINE(415, "Unsupported Media Type");
		LINE(416, "Range Not Satisfiable");
		LINE(417, "Expectation Failed");
		LINE(422, "Unprocessable Content");
		LINE(424, "Failed Dependency");
		LINE(429, "Too Many Requests");
		LINE(431, "Request Header Fields Too Large");
		LINE(500, "Internal Server Error");
		LINE(501, "Not Implemented");
		LINE(502, "Bad Gateway");
		LINE(503, "Service Unavailable");
		LINE(504, "Gateway Timeout");
		LINE(505, "HTTP Version Not Supported");
		LINE(507, "Insufficient Storage");
	}
	memcpy(other, "HTTP/1.1 000 Unknown\r\n", 22);
	other[9] = (char)('0' + status / 100 % 10);
	other[10] = (char)('0' + status / 10 % 10);
	other[11] = (char)('0' + status % 10);
	return str_of(other, 22);
}
