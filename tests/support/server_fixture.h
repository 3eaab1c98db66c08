// A server in this process on an ephemeral port, serving the bundled models, and clients on raw sockets.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "server/serve.h"

namespace adze::server {

class Client {
 public:
  // A socket that is not connected yet.
  explicit Client(sa_family_t family) : fd_(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)), family_(family) {
    const timeval limit{10, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }
  explicit Client(int port) : Client(sa_family_t{AF_INET}) { connect(port); }
  ~Client() { close(fd_); }
  Client(const Client&) = delete;

  bool connect(int port) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(static_cast<std::uint16_t>(port));
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = v4.sin_port;
    v6.sin6_addr = in6addr_loopback;
    const bool is_v6 = family_ == AF_INET6;
    connected_ = ::connect(fd_, is_v6 ? reinterpret_cast<sockaddr*>(&v6) : reinterpret_cast<sockaddr*>(&v4),
                           is_v6 ? sizeof v6 : sizeof v4) == 0;
    return connected_;
  }
  // Lets close() send RST at once instead of FIN.
  void reset_on_close() {
    const linger now{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
  bool connected() const { return connected_; }
  void send(std::string_view bytes) {
    ASSERT_EQ(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }
  // Where the other side may be gone.
  void try_send(std::string_view bytes) { ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }
  void finish_sending() { shutdown(fd_, SHUT_WR); }
  // One response, or what came before the end.
  std::string receive() {
    while (true) {
      const std::size_t head = buffer_.find("\r\n\r\n");
      if (head != buffer_.npos) {
        const std::size_t at = buffer_.find("Content-Length: ");
        const std::size_t length = at < head ? std::stoul(buffer_.substr(at + 16)) : 0;
        if (buffer_.size() >= head + 4 + length) {
          std::string response = buffer_.substr(0, head + 4 + length);
          buffer_.erase(0, head + 4 + length);
          return response;
        }
      }
      if (!read_more()) return std::exchange(buffer_, {});
    }
  }
  bool at_end() {
    while (read_more()) {
    }
    return true;
  }

 private:
  bool read_more() {
    char bytes[4096];
    const ssize_t n = recv(fd_, bytes, sizeof bytes, 0);
    if (n <= 0) return false;
    buffer_.append(bytes, static_cast<std::size_t>(n));
    return true;
  }

  int fd_;
  sa_family_t family_;
  bool connected_ = false;
  std::string buffer_;
};

inline std::string post(const std::string& path, const std::string& body, const std::string& fields = {}) {
  return "POST " + path + " HTTP/1.1\r\nHost: a\r\n" + fields + "Content-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}
inline std::string get(const std::string& path) { return "GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n"; }

inline int status_of(const std::string& response) {
  return response.size() > 12 ? std::stoi(response.substr(9, 3)) : 0;
}
inline std::string body_of(const std::string& response) {
  const std::size_t at = response.find("\r\n\r\n");
  return at == response.npos ? "" : response.substr(at + 4);
}

inline std::string features(int n, const std::string& value = "1") {
  std::string body = "{\"features\":[";
  for (int i = 0; i < n; i++) body += (i ? "," : "") + value;
  return body + "]}";
}

class ServerTest : public ::testing::Test {
 protected:
  void start(std::function<void(ServeOptions&)> change = {}) {
    ServeOptions options;
    options.loop.port = 0;
    const std::string examples = ADZE_SOURCE_DIR "/examples/";
    options.service.models = {{"tumour", examples + "tabular/tumour.onnx"},
                              {"digits", examples + "digits/digits.onnx"}};
    if (change) change(options);
    server_ = std::make_unique<Server>(options);
    const auto started = server_->start();
    ASSERT_TRUE(started) << started.error().message;
    thread_ = std::thread([this] { outcome_ = server_->run(); });
    const auto ready = server_->wait_ready();
    ASSERT_TRUE(ready) << ready.error().message;
  }
  void TearDown() override {
    if (thread_.joinable()) {
      server_->stop();
      thread_.join();
    }
  }
  std::string ask(const std::string& request) {
    Client client(server_->port());
    client.send(request);
    return client.receive();
  }

  std::unique_ptr<Server> server_;
  Result<void> outcome_;  // of run(), when it has returned
  std::thread thread_;
};

}  // namespace adze::server
