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
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

std::string reason() { return std::strerror(errno); }

std::int64_t modification(const struct stat& status) {
  return std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
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
  if (location.empty()) return make_error(Code::invalid_model, "its location is empty");
  if (location.find('\0') != location.npos || location.find('\\') != location.npos) {
    return make_error(Code::invalid_model, "its location has a forbidden character");
  }
  if (location.front() == '/') return make_error(Code::invalid_model, "its location is absolute");
  for (std::size_t begin = 0; begin <= location.size();) {
    const std::size_t end = std::min(location.find('/', begin), location.size());
    const std::string_view part = location.substr(begin, end - begin);
    if (part.empty() || part == "..") return make_error(Code::invalid_model, "its location leaves the model's folder");
    begin = end + 1;
  }
  return {};
}

}  // namespace

File::~File() { close(fd_); }

Result<std::shared_ptr<const File>> File::take(int fd) {
  std::shared_ptr<File> file(new File(fd));
  struct stat status {};
  if (fstat(fd, &status) != 0) return make_error(Code::bad_input, reason());
  if (S_ISDIR(status.st_mode)) return make_error(Code::bad_input, "is a directory");
  if (!S_ISREG(status.st_mode)) return make_error(Code::bad_input, "is not a regular file");
  file->size_ = static_cast<std::uint64_t>(status.st_size);
  file->modified_ = modification(status);
  return std::shared_ptr<const File>(std::move(file));
}

Result<std::shared_ptr<const File>> File::open(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return make_error(Code::bad_input, reason());
  return take(fd);
}

Result<std::shared_ptr<const File>> File::open_inside(const std::string& folder, std::string_view location) {
  ADZE_CHECK(check_location(location));
  const Descriptor at(::open(folder.empty() ? "." : folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (at.get() < 0) return make_error(Code::bad_input, "folder ", folder, ": ", reason());
  Descriptor file = adze::open_inside(at.get(), std::string(location));
  if (file.get() < 0) {
    const bool escapes = errno == EXDEV || errno == ELOOP;
    return make_error(Code::invalid_model, escapes ? std::string("leads out of the model's folder") : reason());
  }
  return take(file.release());
}

Result<void> File::check_unchanged() const {
  struct stat status {};
  if (fstat(fd_, &status) != 0) return make_error(Code::bad_input, reason());
  if (static_cast<std::uint64_t>(status.st_size) == size_ && modification(status) == modified_) return {};
  return make_error(Code::bad_input, "the file was changed while it was in use");
}

Result<void> File::read(std::uint64_t offset, std::span<std::byte> to) const {
  ADZE_ASSERT(has(offset, to.size()));
  for (std::size_t done = 0; done < to.size();) {
    const ssize_t got = pread(fd_, to.data() + done, to.size() - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return make_error(Code::bad_input, reason());
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return check_unchanged();
}

Result<FileBytes> read_file(const std::string& path, std::size_t max_bytes) {
  const auto read = [&]() -> Result<FileBytes> {
    ADZE_TRY(const auto file, File::open(path));
    const std::size_t size = file->size();
    if (size > max_bytes) {
      return make_error(Code::resource_limit, "has ", size, " bytes, more than the limit of ", max_bytes);
    }
    std::shared_ptr<std::byte> data(static_cast<std::byte*>(std::malloc(std::max<std::size_t>(size, 1))), std::free);
    if (!data) return make_error(Code::resource_limit, "no memory for ", size, " bytes");
    ADZE_CHECK(file->read(0, {data.get(), size}));
    return FileBytes{std::move(data), size};
  };
  auto bytes = read();
  if (!bytes) return std::move(bytes).error().with_context(path);
  return bytes;
}

}  // namespace adze
