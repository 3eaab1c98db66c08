/* adze's C interface. C99 and C++11; link with -linference_engine.
 *
 * The short way, one model per process and one number per call:
 *
 *     float score = predict((const char *)features, sizeof features);
 *
 * The whole way:
 *
 *     inference_model *model;
 *     inference_session *session;
 *     inference_tensor in, out;
 *     inference_model_open("model.onnx", NULL, &model);
 *     inference_session_open(model, NULL, &session);
 *     inference_session_prepare_rows(session, 8, &in, 1);  // a batch of eight; `in` is where to write it
 *     memcpy(in.data, rows, in.bytes);
 *     inference_session_run(session, INFERENCE_NO_TIMEOUT);
 *     inference_session_output(session, 0, &out);          // `out` is where to read the results
 *     inference_session_close(session);
 *     inference_model_close(model);
 *
 * Every call that can fail returns a status, and the handle concerned holds the text of the last failure. No call
 * prints, aborts, installs a signal handler, or lets a C++ exception out. Threads of the library block all signals.
 *
 * Threads: a model may be used by any number of threads at once. A session belongs to one thread at a time, except
 * for inference_session_cancel(). predict() may be called by any number of threads at once.
 *
 * Compatibility: within one INFERENCE_ABI_VERSION, which is also the number in the library's SONAME, functions are only
 * added and structures that begin with struct_size only grow at their end. Set struct_size to the sizeof that you
 * compiled with, and everything that you don't know to zero, which always stands for the default.
 */
#ifndef INFERENCE_H
#define INFERENCE_H

#include <stddef.h>
#include <stdint.h>

#define INFERENCE_ABI_VERSION 1

#if defined(__GNUC__)
#define INFERENCE_API __attribute__((visibility("default")))
#else
#define INFERENCE_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef int32_t inference_status;
#define INFERENCE_OK 0
#define INFERENCE_BAD_INPUT 1      /* arguments or tensors that don't fit the model; a file that can't be read */
#define INFERENCE_INVALID_MODEL 2  /* not a well-formed model */
#define INFERENCE_UNSUPPORTED 3    /* well-formed, but outside what adze runs; the text lists everything */
#define INFERENCE_RESOURCE_LIMIT 4 /* memory or threads: a limit of yours or of the system */
#define INFERENCE_CANCELLED 5
#define INFERENCE_TIMED_OUT 6
#define INFERENCE_INTERNAL 7

/* Element types, numbered as ONNX's TensorProto.DataType. 16-bit floats go as their bits. */
typedef int32_t inference_type;
#define INFERENCE_FLOAT 1
#define INFERENCE_UINT8 2
#define INFERENCE_INT8 3
#define INFERENCE_UINT16 4
#define INFERENCE_INT16 5
#define INFERENCE_INT32 6
#define INFERENCE_INT64 7
#define INFERENCE_BOOL 9
#define INFERENCE_FLOAT16 10
#define INFERENCE_DOUBLE 11
#define INFERENCE_UINT32 12
#define INFERENCE_UINT64 13
#define INFERENCE_BFLOAT16 16

#define INFERENCE_MAX_RANK 8

/* --- The library --------------------------------------------------------------------------------------------- */

/* INFERENCE_ABI_VERSION of the library that was loaded. */
INFERENCE_API int32_t inference_abi_version(void);
/* adze's version, "1.2.3". */
INFERENCE_API const char* inference_version(void);
/* The instruction set that kernels use: "avx512", "avx2" or "portable". */
INFERENCE_API const char* inference_isa(void);
/* "ok", "bad input", ...; "unknown" for other numbers. */
INFERENCE_API const char* inference_status_name(inference_status status);
/* ONNX's name, "float", "int64", ...; "undefined" for other numbers. */
INFERENCE_API const char* inference_type_name(inference_type type);
/* Bytes of one element; 0 for other numbers. */
INFERENCE_API size_t inference_type_bytes(inference_type type);

/* Zeroed memory, aligned to 64 bytes, for tensors of yours; null where there is none. */
INFERENCE_API void* inference_buffer_new(size_t bytes);
INFERENCE_API void inference_buffer_free(void* buffer);

/* --- The short way ------------------------------------------------------------------------------------------- */

/* Runs the process's model on one row. `data` is the model's only input as little-endian 32-bit floats, aligned or not,
 * and `len` its length in bytes. The result is the model's first output, or the greatest of its values where it has
 * several.
 *
 * The model is the one that inference_open() chose; where none was chosen, the file named by the environment variable
 * INFERENCE_MODEL. Each call runs on the calling thread alone. Any failure gives NaN and a text for inference_error().
 */
INFERENCE_API float predict(const char* data, int len);
/* Chooses the model of later calls of predict(), in place of any before; calls in progress end with the model that they
 * began with. On failure the model before stays. */
INFERENCE_API inference_status inference_open(const char* path);
/* Lets go of the model and its memory. */
INFERENCE_API void inference_close(void);
/* The text of the last failure of predict() or inference_open() on this thread, valid until the next; "" where there
 * was none. */
INFERENCE_API const char* inference_error(void);

/* --- Models: weights, shared and immutable ------------------------------------------------------------------- */

typedef struct inference_model inference_model;

#define INFERENCE_RAW 1u         /* only the passes that kernels can't do without */
#define INFERENCE_NO_WINOGRAD 2u /* every convolution is summed up directly */

typedef struct inference_model_options {
  size_t struct_size;
  uint64_t max_memory; /* bytes of weights, arena and constants together; 0: 2 GiB */
  uint32_t flags;      /* INFERENCE_RAW, INFERENCE_NO_WINOGRAD */
  uint32_t reserved;
} inference_model_options;

/* An input or output as the model declares it. */
typedef struct inference_port {
  size_t struct_size; /* to be set by the caller */
  const char* name;   /* valid until the model is closed, as are symbols */
  inference_type type;
  int32_t rank;                            /* -1: open */
  int64_t dims[INFERENCE_MAX_RANK];        /* -1: symbolic */
  const char* symbols[INFERENCE_MAX_RANK]; /* null where a dimension has a size, or a symbol without a name */
} inference_port;

/* Reads and checks a model. `options` may be null. *model is set on failure too (to null only where memory is out):
 * then it serves for inference_model_error() alone, and must be closed. A file must not be written to while its model
 * is open, for large weights are read when a session needs them; replacing it by renaming is fine. */
INFERENCE_API inference_status inference_model_open(const char* path, const inference_model_options* options,
                                                    inference_model** model);
/* The same from memory, which is no longer needed afterwards. `name` stands for the file in messages; it may be null.
 */
INFERENCE_API inference_status inference_model_open_memory(const void* bytes, size_t size, const char* name,
                                                           const inference_model_options* options,
                                                           inference_model** model);
/* Sessions of the model stay usable. Null is ignored. */
INFERENCE_API void inference_model_close(inference_model* model);
/* Why opening failed; "" where it didn't. Valid until the model is closed. */
INFERENCE_API const char* inference_model_error(const inference_model* model);

INFERENCE_API size_t inference_model_input_count(const inference_model* model);
INFERENCE_API size_t inference_model_output_count(const inference_model* model);
/* INFERENCE_BAD_INPUT where there is no such port, or port->struct_size is not set. */
INFERENCE_API inference_status inference_model_input(const inference_model* model, size_t index, inference_port* port);
INFERENCE_API inference_status inference_model_output(const inference_model* model, size_t index, inference_port* port);
/* Bytes of packed weights and constants in memory so far. */
INFERENCE_API uint64_t inference_model_weight_bytes(const inference_model* model);

/* --- Sessions: one run at a time ----------------------------------------------------------------------------- */

typedef struct inference_session inference_session;

typedef struct inference_session_options {
  size_t struct_size;
  int32_t threads; /* that share each run; 0: one per CPU that this process may use */
  uint32_t reserved;
  /* Where the arena comes from; both or neither. `allocate` is called while preparing and gives null where it has
   * nothing; `release` gets every allocation back, the last by inference_session_close(). */
  void* (*allocate)(void* memory_context, size_t bytes, size_t alignment);
  void (*release)(void* memory_context, void* memory, size_t bytes);
  void* memory_context;
  /* Threads of yours in place of the library's, which then starts none: must call work(argument, part) for each part in
   * [0, parts), all at the same time on a thread each (they wait for one another), and return when all have returned.
   * `parts` is the field `threads`. Not called where a run needs one thread alone. */
  void (*run_parts)(void* threads_context, int32_t parts, void (*work)(void* argument, int32_t part), void* argument);
  void* threads_context;
} inference_session_options;

/* A tensor: row-major, in the machine's byte order, aligned at least to its element's size. */
typedef struct inference_tensor {
  void* data;
  size_t bytes;
  inference_type type;
  int32_t rank;
  int64_t dims[INFERENCE_MAX_RANK];
} inference_tensor;

/* `options` may be null. *session is set on failure as inference_model_open() sets its model. */
INFERENCE_API inference_status inference_session_open(const inference_model* model,
                                                      const inference_session_options* options,
                                                      inference_session** session);
/* Null is ignored. */
INFERENCE_API void inference_session_close(inference_session* session);
/* The text of the session's last failure, valid until the next; "" where there was none. */
INFERENCE_API const char* inference_session_error(const inference_session* session);

/* Fixes the inputs' shapes: plans, packs weights, and reserves all memory that a run needs. `inputs` has one element
 * for each input of the model; its rank and dims are read (and its type, where the model leaves that open: 0
 * elsewhere), and its data, bytes and type are set. `data` is aligned to 64 bytes and stays where it is until the
 * session is prepared for something else; fill it as often as you like. */
INFERENCE_API inference_status inference_session_prepare(inference_session* session, inference_tensor* inputs,
                                                         size_t count);
/* The same for a batch of `rows`: the model's own shapes, with the first dimension of each input that is symbolic or
 * 1 becoming `rows`, and every other symbolic one 1. `inputs` is only set. */
INFERENCE_API inference_status inference_session_prepare_rows(inference_session* session, int64_t rows,
                                                              inference_tensor* inputs, size_t count);

#define INFERENCE_NO_TIMEOUT INT64_C(-1)

/* Runs what was prepared, on what the inputs' memory holds. A run that takes longer than `timeout_ns` nanoseconds ends
 * with INFERENCE_TIMED_OUT, one that is cancelled with INFERENCE_CANCELLED; the session stays usable after any failure.
 * After a first run, and a first with a timeout, it doesn't allocate or lock, whatever the inputs hold, unless the
 * shapes of the model's tensors follow from their content. */
INFERENCE_API inference_status inference_session_run(inference_session* session, int64_t timeout_ns);
/* The result of the last run that succeeded. `output->data` must not be written to, and is valid until the session runs
 * or is prepared again. */
INFERENCE_API inference_status inference_session_output(inference_session* session, size_t index,
                                                        inference_tensor* output);
/* All of the above in one call: prepares for the shapes of `inputs` (rank and dims, as above), reads each input from
 * its own `data`, which must hold `bytes` bytes and is neither written to nor kept, runs, and sets `outputs`. The
 * session must be prepared again before inference_session_run(). Coming back to shapes that were used before doesn't
 * allocate or lock either. */
INFERENCE_API inference_status inference_session_infer(inference_session* session, const inference_tensor* inputs,
                                                       size_t input_count, inference_tensor* outputs,
                                                       size_t output_count, int64_t timeout_ns);

/* Asks the run in progress, or the next if there is none, to end with INFERENCE_CANCELLED. From any thread, at any time
 * between opening and closing. A run that is all but done may still succeed; the request then holds for the next. */
INFERENCE_API void inference_session_cancel(inference_session* session);
/* Takes back a request that no run has met. */
INFERENCE_API void inference_session_uncancel(inference_session* session);

/* Bytes of the arena that the session holds for what it is prepared for; 0 before. */
INFERENCE_API uint64_t inference_session_arena_bytes(const inference_session* session);

#ifdef __cplusplus
}
#endif

#endif
