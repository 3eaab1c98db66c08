#include "server/control/paths.h"

#include <gtest/gtest.h>

namespace adze::server {
namespace {

TEST(PathTable, ListsAPathsMethods) {
  PathTable table;
  table.add("GET", "/");
  table.add("GET", "/v2/models/{model}");
  table.add("POST", "/v2/models/{model}/versions/{version}/infer");
  table.add("GET", "/both");
  table.add("POST", "/both");
  EXPECT_EQ(table.allowed("/"), "GET, HEAD, OPTIONS");
  EXPECT_EQ(table.allowed("/v2/models/a%20b"), "GET, HEAD, OPTIONS");
  EXPECT_EQ(table.allowed("/v2/models/a/"), "GET, HEAD, OPTIONS");
  EXPECT_EQ(table.allowed("/v2/models/a/versions/12/infer"), "POST, OPTIONS");
  EXPECT_EQ(table.allowed("/both"), "GET, HEAD, POST, OPTIONS");
  EXPECT_EQ(table.allowed("*"), "GET, HEAD, POST, OPTIONS");
  for (const char* unknown : {"", "/v2", "/v2/models", "/v2/models/", "/v2/models//", "/v2/models/a/b",
                              "/v2/models/a/versions/x/infer", "/v2/models/a/versions//infer", "/Both"})
    EXPECT_EQ(table.allowed(unknown), "") << unknown;
}

TEST(PathTable, PatternsHaveAGroupForEachPart) {
  EXPECT_EQ(path_pattern("/"), "/");
  EXPECT_EQ(path_pattern("/openapi.json"), "/openapi\\.json/?");
  EXPECT_EQ(path_pattern("/m/{model}/versions/{version}/infer"), "/m/([^/]+)/versions/([0-9]+)/infer/?");
}

}  // namespace
}  // namespace adze::server
