/* A C99 program on the library, as one outside this repository would be: predict() and a session must agree. */
#include <inference.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static int fail(const char *what, const char *text) {
  fprintf(stderr, "%s: %s\n", what, text);
  return 1;
}

int main(int argc, char **argv) {
  enum { features = 30 };
  float row[features];
  int i;
  if (argc != 2) return fail("usage", "client MODEL");
  for (i = 0; i < features; i++) row[i] = (float)i;

  if (!isnan(predict((const char *)row, sizeof row))) return fail("predict", "a score without a model");
  if (inference_open(argv[1]) != INFERENCE_OK) return fail("inference_open", inference_error());
  const float score = predict((const char *)row, sizeof row);
  if (isnan(score)) return fail("predict", inference_error());
  inference_close();

  inference_model *model;
  inference_session *session;
  inference_tensor in, out;
  if (inference_model_open(argv[1], NULL, &model) != INFERENCE_OK) return fail("open", inference_model_error(model));
  if (inference_session_open(model, NULL, &session) != INFERENCE_OK ||
      inference_session_prepare_rows(session, 1, &in, 1) != INFERENCE_OK || in.bytes != sizeof row) {
    return fail("prepare", inference_session_error(session));
  }
  memcpy(in.data, row, sizeof row);
  if (inference_session_run(session, INFERENCE_NO_TIMEOUT) != INFERENCE_OK ||
      inference_session_output(session, 0, &out) != INFERENCE_OK) {
    return fail("run", inference_session_error(session));
  }
  if (*(const float *)out.data != score) return fail("score", "differs between predict and a session");
  inference_session_close(session);
  inference_model_close(model);
  printf("%s %s: %.6g\n", inference_version(), inference_isa(), score);
  return 0;
}
