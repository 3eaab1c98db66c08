#include "graph/onnx/file.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace adze {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

std::string reason() { return std::strerror(errno); }

Result<std::uint64_t> regular_size(int fd) {
  struct stat status {};
  if (fstat(fd, &status) != 0) return make_error(Code::bad_input, reason());
  if (S_ISDIR(status.st_mode)) return make_error(Code::bad_input, "is a directory");
  if (!S_ISREG(status.st_mode)) return make_error(Code::bad_input, "is not a regular file");
  return static_cast<std::uint64_t>(status.st_size);
}

// Reads rather than maps: a file that shrinks while it is used would fault long after it was checked.
Result<FileBytes> read_range(int fd, std::uint64_t offset, std::uint64_t length) {
  std::shared_ptr<std::byte> data(static_cast<std::byte*>(std::malloc(std::max<std::uint64_t>(length, 1))), std::free);
  if (!data) return make_error(Code::resource_limit, "no memory for ", length, " bytes");
  for (std::uint64_t done = 0; done < length;) {
    const ssize_t got = pread(fd, data.get() + done, length - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return make_error(Code::bad_input, reason());
    if (got == 0) return make_error(Code::bad_input, "ended after ", offset + done, " bytes while it was read");
    done += static_cast<std::uint64_t>(got);
  }
  return FileBytes{std::move(data), static_cast<std::size_t>(length)};
}

// Opens one path component after the other without following links, for kernels without openat2.
Descriptor open_components(int folder, const std::string& location) {
  Descriptor at(dup(folder));
  for (std::size_t begin = 0; begin <= location.size();) {
    const std::size_t end = std::min(location.find('/', begin), location.size());
    const bool last = end == location.size();
    const std::string part = location.substr(begin, end - begin);
    at = Descriptor(
        openat(at.get(), part.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | (last ? 0 : O_DIRECTORY)));
    if (at.get() < 0 || last) break;
    begin = end + 1;
  }
  return at;
}

Descriptor open_inside(int folder, const std::string& location) {
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  const long fd = syscall(SYS_openat2, folder, location.c_str(), &how, sizeof how);
  if (fd < 0 && (errno == ENOSYS || errno == EPERM)) return open_components(folder, location);
  return Descriptor(static_cast<int>(fd));
}

Result<void> check_location(std::string_view location) {
  if (location.empty()) return make_error(Code::invalid_model, "external data location is empty");
  if (location.find('\0') != location.npos || location.find('\\') != location.npos) {
    return make_error(Code::invalid_model, "external data location has a forbidden character");
  }
  if (location.front() == '/') return make_error(Code::invalid_model, "external data location is absolute");
  for (std::size_t begin = 0; begin <= location.size();) {
    const std::size_t end = std::min(location.find('/', begin), location.size());
    const std::string_view part = location.substr(begin, end - begin);
    if (part.empty() || part == "..")
      return make_error(Code::invalid_model, "external data location leaves the model's folder");
    begin = end + 1;
  }
  return {};
}

}  // namespace

Result<FileBytes> read_file(const std::string& path, std::size_t max_bytes) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) return make_error(Code::bad_input, path, ": ", reason());
  auto size = regular_size(file.get());
  if (!size) return std::move(size).error().with_context(path);
  if (*size > max_bytes) {
    return make_error(Code::resource_limit, path, ": has ", *size, " bytes, more than the limit of ", max_bytes);
  }
  auto bytes = read_range(file.get(), 0, *size);
  if (!bytes) return std::move(bytes).error().with_context(path);
  return bytes;
}

Result<FileBytes> read_inside(const std::string& folder, std::string_view location, std::uint64_t offset,
                              std::uint64_t length) {
  ADZE_CHECK(check_location(location));
  const Descriptor at(open(folder.empty() ? "." : folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (at.get() < 0) return make_error(Code::bad_input, "folder ", folder, ": ", reason());
  const std::string name(location);
  const Descriptor file = open_inside(at.get(), name);
  if (file.get() < 0) {
    const bool escapes = errno == EXDEV || errno == ELOOP;
    return make_error(Code::invalid_model, "external data \"", name,
                      "\": ", escapes ? std::string("leads out of the model's folder") : reason());
  }
  auto size = regular_size(file.get());
  if (!size) return std::move(size).error().with_context(concat("external data \"", name, '"'));
  if (length > *size || offset > *size - length) {
    return make_error(Code::invalid_model, "external data \"", name, "\": ", length, " bytes at offset ", offset,
                      " exceed the file's ", *size);
  }
  auto bytes = read_range(file.get(), offset, length);
  if (!bytes) return std::move(bytes).error().with_context(concat("external data \"", name, '"'));
  return bytes;
}

}  // namespace adze
