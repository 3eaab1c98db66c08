// Framing: every case whole, byte by byte, and behind another request.
#include "server/http/request.h"

#include <gtest/gtest.h>

namespace adze::server {
namespace {

using State = RequestParser::State;

struct Case {
  const char* name;
  std::string bytes;
  int status;        // 0: a complete request
  std::string body;  // of a complete request
};

const std::string kHost = "Host: a\r\n";

std::vector<Case> cases() {
  const std::string long_value(20000, 'x');
  std::string many_fields;
  for (int i = 0; i < 70; i++) many_fields += "X" + std::to_string(i) + ": y\r\n";
  return {
      {"get", "GET / HTTP/1.1\r\n" + kHost + "\r\n", 0, ""},
      {"empty line before", "\r\nGET / HTTP/1.1\r\n" + kHost + "\r\n", 0, ""},
      {"length", "POST /p HTTP/1.1\r\n" + kHost + "Content-Length: 3\r\n\r\nabc", 0, "abc"},
      {"length zero", "POST /p HTTP/1.1\r\n" + kHost + "Content-Length: 0\r\n\r\n", 0, ""},
      {"chunked", "POST /p HTTP/1.1\r\n" + kHost + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
       0, "abcde"},
      {"chunk extension and trailer",
       "POST /p HTTP/1.1\r\n" + kHost + "Transfer-Encoding: chunked\r\n\r\nA;x=y\r\n0123456789\r\n0\r\nT: v\r\n\r\n", 0,
       "0123456789"},
      {"http 1.0 without host", "GET / HTTP/1.0\r\n\r\n", 0, ""},
      {"spaces around a value", "GET / HTTP/1.1\r\nHost: \t a \t\r\n\r\n", 0, ""},
      {"bare lf", "GET / HTTP/1.1\nHost: a\n\n", 400, ""},
      {"bare lf in fields", "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", 400, ""},
      {"nul", std::string("GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n", 29), 400, ""},
      {"no host", "GET / HTTP/1.1\r\n\r\n", 400, ""},
      {"two hosts", "GET / HTTP/1.1\r\n" + kHost + kHost + "\r\n", 400, ""},
      {"length and chunked", "POST / HTTP/1.1\r\n" + kHost + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
       400, ""},
      {"two lengths", "POST / HTTP/1.1\r\n" + kHost + "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400, ""},
      {"length list", "POST / HTTP/1.1\r\n" + kHost + "Content-Length: 3, 3\r\n\r\nabc", 400, ""},
      {"length with sign", "POST / HTTP/1.1\r\n" + kHost + "Content-Length: +3\r\n\r\nabc", 400, ""},
      {"negative length", "POST / HTTP/1.1\r\n" + kHost + "Content-Length: -3\r\n\r\n", 400, ""},
      {"length overflow", "POST / HTTP/1.1\r\n" + kHost + "Content-Length: 99999999999999999999\r\n\r\n", 400, ""},
      {"length above the limit", "POST / HTTP/1.1\r\n" + kHost + "Content-Length: 99999999999\r\n\r\n", 413, ""},
      {"unknown encoding", "POST / HTTP/1.1\r\n" + kHost + "Transfer-Encoding: gzip\r\n\r\n", 501, ""},
      {"chunked twice", "POST / HTTP/1.1\r\n" + kHost + "Transfer-Encoding: chunked, chunked\r\n\r\n", 501, ""},
      {"chunked in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, ""},
      {"negative chunk", "POST / HTTP/1.1\r\n" + kHost + "Transfer-Encoding: chunked\r\n\r\n-2\r\nab\r\n", 400, ""},
      {"huge chunk", "POST / HTTP/1.1\r\n" + kHost + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", 413, ""},
      {"chunk overflow", "POST / HTTP/1.1\r\n" + kHost + "Transfer-Encoding: chunked\r\n\r\n1ffffffffffffffff\r\n", 400,
       ""},
      {"hex prefix", "POST / HTTP/1.1\r\n" + kHost + "Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n", 400, ""},
      {"chunk without crlf", "POST / HTTP/1.1\r\n" + kHost + "Transfer-Encoding: chunked\r\n\r\n3\r\nabcX0\r\n\r\n",
       400, ""},
      {"chunk line with bare lf", "POST / HTTP/1.1\r\n" + kHost + "Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n", 400,
       ""},
      {"space before colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400, ""},
      {"folded field", "GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", 400, ""},
      {"field without colon", "GET / HTTP/1.1\r\n" + kHost + "nonsense\r\n\r\n", 400, ""},
      {"field without name", "GET / HTTP/1.1\r\n" + kHost + ": x\r\n\r\n", 400, ""},
      {"control character",
       "GET / HTTP/1.1\r\n" + kHost +
           "X: a\x01"
           "b\r\n\r\n",
       400, ""},
      {"malformed method", "G@T / HTTP/1.1\r\n" + kHost + "\r\n", 400, ""},
      {"no version", "GET /\r\n" + kHost + "\r\n", 400, ""},
      {"absolute target", "GET http://a/ HTTP/1.1\r\n" + kHost + "\r\n", 400, ""},
      {"other version", "GET / HTTP/2.0\r\n" + kHost + "\r\n", 505, ""},
      {"other protocol", "GET / FTP/1.1\r\n" + kHost + "\r\n", 400, ""},
      {"tls hello", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 15), 400, ""},
      {"target too long", "GET /" + std::string(5000, 'a') + " HTTP/1.1\r\n" + kHost + "\r\n", 414, ""},
      {"head too large", "GET / HTTP/1.1\r\n" + kHost + "X: " + long_value + "\r\n\r\n", 431, ""},
      {"too many fields", "GET / HTTP/1.1\r\n" + kHost + many_fields + "\r\n", 431, ""},
      {"unknown expectation", "POST / HTTP/1.1\r\n" + kHost + "Expect: wonders\r\n\r\n", 417, ""},
  };
}

void check(const Case& c, const RequestParser& parser) {
  if (c.status) {
    ASSERT_EQ(parser.state(), State::failed) << c.name;
    EXPECT_EQ(parser.status(), c.status) << c.name;
    EXPECT_FALSE(parser.reason().empty());
  } else {
    ASSERT_EQ(parser.state(), State::complete)
        << c.name << ' ' << (parser.state() == State::failed ? parser.reason() : "");
    EXPECT_EQ(parser.request().body, c.body) << c.name;
  }
}

TEST(RequestParser, WholeRequests) {
  for (const Case& c : cases()) {
    RequestParser parser;
    parser.feed(c.bytes);
    check(c, parser);
  }
}

TEST(RequestParser, ByteByByte) {
  for (const Case& c : cases()) {
    RequestParser parser;
    for (const char byte : c.bytes) {
      if (parser.feed({&byte, 1}) == State::failed) break;
    }
    check(c, parser);
  }
}

TEST(RequestParser, BehindAnother) {
  for (const Case& c : cases()) {
    RequestParser parser;
    parser.feed("POST /first HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi" + c.bytes);
    ASSERT_EQ(parser.state(), State::complete) << c.name;
    ASSERT_EQ(parser.request().body, "hi");
    parser.next();
    check(c, parser);
  }
}

TEST(RequestParser, TwoHundredPipelined) {
  std::string bytes;
  for (int i = 0; i < 200; i++)
    bytes += "POST /" + std::to_string(i) + " HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx";
  RequestParser parser;
  parser.feed(bytes);
  for (int i = 0; i < 200; i++) {
    ASSERT_EQ(parser.state(), State::complete) << i;
    EXPECT_EQ(parser.request().path, "/" + std::to_string(i));
    parser.next();
  }
  EXPECT_EQ(parser.state(), State::idle);
  EXPECT_EQ(parser.buffered(), 0u);
}

TEST(RequestParser, KeepAliveFollowsVersionAndField) {
  const auto keeps = [](const std::string& version, const std::string& field) {
    RequestParser parser;
    parser.feed("GET / HTTP/" + version + "\r\nHost: a\r\n" + field + "\r\n");
    return parser.state() == State::complete && parser.request().keep_alive;
  };
  EXPECT_TRUE(keeps("1.1", ""));
  EXPECT_FALSE(keeps("1.1", "Connection: close\r\n"));
  EXPECT_FALSE(keeps("1.1", "Connection: x, Close\r\n"));
  EXPECT_FALSE(keeps("1.0", ""));
  EXPECT_TRUE(keeps("1.0", "Connection: keep-alive\r\n"));
}

TEST(RequestParser, AsksToContinueOnceAndOnlyWithoutABody) {
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n";
  RequestParser waiting;
  waiting.feed(head);
  EXPECT_TRUE(waiting.take_continue());
  EXPECT_FALSE(waiting.take_continue());
  RequestParser sent;
  sent.feed(head + "h");
  EXPECT_FALSE(sent.take_continue());
}

TEST(RequestParser, TooManyChunksAreRefused) {
  RequestParser parser;
  parser.feed("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 70000 && parser.state() == State::partial; i++) parser.feed("1\r\nx\r\n");
  ASSERT_EQ(parser.state(), State::failed);
  EXPECT_EQ(parser.status(), 413);
}

}  // namespace
}  // namespace adze::server
