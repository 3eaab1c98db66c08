#include <cstdio>

#include "kernels/core/isa.h"
#include "tools/command.h"
#include "tools/exit_code.h"

int main(int argc, char** argv) {
  CLI::App app("adze: ONNX models on hand-written kernels", "adze");
  app.require_subcommand(1);
  app.set_version_flag("--version", ADZE_VERSION);
  adze::RunVerb run;
  adze::add_run(app, run);
  adze::add_bench(app, run);
  adze::add_inspect(app, run);
  adze::add_verify(app, run);
  adze::add_serve(app, run);
  adze::add_hw(app, run);
  adze::add_operators(app, run);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return app.exit(success);  // --help, --version
  } catch (const CLI::ParseError& error) {
    std::fprintf(stderr, "adze: %s (see adze --help)\n", error.what());
    return adze::kExitUsage;
  }
  if (const auto wrong = adze::isa_environment_error(); !wrong.empty()) {
    std::fprintf(stderr, "adze: ADZE_ISA is \"%.*s\", not portable, avx2 or avx512\n", static_cast<int>(wrong.size()),
                 wrong.data());
    return adze::kExitUsage;
  }
  try {
    return run();
  } catch (const std::bad_alloc&) {
    return adze::fail({adze::Code::resource_limit, "out of memory"});
  } catch (const std::exception& error) {
    return adze::fail({adze::Code::internal, error.what()});
  }
}
