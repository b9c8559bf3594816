/* SPDX-License-Identifier: Apache-2.0 */
/* From a model file to results: small random networks are written as ONNX,
 * compiled, loaded and run in this process, and compared with adze_interpret.
 * Then what compiling promises beside numbers: the same bytes each time, open
 * dimensions, sentences that say what is wrong, progress, dumps. */
#include "test.h"

#include "adze/adze.h"
#include "base/file.h"
#include "import/test/model_writer.h"

#include <limits.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>

enum { FLOAT = 1, DOUBLE = 11, MAX_IO = 8 };

struct fixture {
  struct arena *arena;
  char folder[PATH_MAX];
  struct adze_error error;
};

static int set_up(void **state) {
  struct fixture *f = calloc(1, sizeof *f);
  assert_non_null(f);
  f->arena = arena_create("test");
  assert_non_null(f->arena);
  assert_ok(folder_make_temporary(f->folder, &f->error), f->error);
  *state = f;
  return 0;
}

static int tear_down(void **state) {
  struct fixture *f = *state;
  folder_remove(f->folder);
  arena_destroy(f->arena);
  free(f);
  return 0;
}

static const char *in_folder(const struct fixture *f, const char *name) {
  return arena_printf(f->arena, "%s/%s", f->folder, name);
}

static const char *write_model(struct fixture *f, struct model *m,
                               const char *name) {
  const char *path = in_folder(f, name);
  struct text bytes = model_bytes(m);
  assert_ok(file_write_all(path, text_string(&bytes), bytes.size, &f->error),
            f->error);
  model_end(m);
  return path;
}

/* ---- Random networks ----------------------------------------------------- */
struct network {
  struct model model;
  struct test_random random;
  int64_t channels[64]; /* of value v0, v1, … */
  size_t count;
};

static void add_weights(struct network *n, const char *name, size_t rank,
                        const int64_t *dims, double scale) {
  struct text w = model_tensor(&n->model, name, FLOAT, rank, dims);
  size_t count = 1;
  for (size_t d = 0; d < rank; d++)
    count *= (size_t)dims[d];
  float *data = malloc((count + 1) * sizeof *data);
  assert_non_null(data);
  for (size_t i = 0; i < count; i++)
    data[i] = (float)(scale * test_random_double(&n->random));
  model_raw(&w, data, count * sizeof *data);
  free(data);
  model_initializer(&n->model, &w);
}

static char *name_of(const char *kind, size_t number) {
  static char names[8][32];
  static size_t next;
  char *name = names[next++ % ARRAY_COUNT(names)];
  snprintf(name, sizeof names[0], "%s%zu", kind, number);
  return name;
}

static size_t pick(struct network *n) {
  size_t back = (size_t)test_random_range(&n->random, 0, 3);
  return n->count - 1 - (back < n->count ? back : 0);
}

static void add_node(struct network *n, const char *op, const char *inputs,
                     const struct text *attributes, int64_t channels) {
  model_node(&n->model, op, name_of("node", n->count), inputs,
             name_of("v", n->count), attributes);
  n->channels[n->count++] = channels;
}

static void add_conv(struct network *n) {
  static const int64_t outs[] = {3, 8, 16, 24, 32};
  size_t x = pick(n);
  int64_t c = n->channels[x], k = 1 + 2 * test_random_range(&n->random, 0, 1);
  bool depthwise = test_random_range(&n->random, 0, 2) == 0;
  int64_t out = depthwise ? c : outs[test_random_range(&n->random, 0, 4)];
  int64_t dims[4] = {out, depthwise ? 1 : c, k, k};
  int64_t pads[4] = {k / 2, k / 2, k / 2, k / 2};
  add_weights(n, name_of("w", n->count), 4, dims,
              2.0 / sqrt((double)(dims[1] * k * k)));
  add_weights(n, name_of("b", n->count), 1, dims, 0.1);
  struct text a = model_text(&n->model);
  char inputs[64];
  model_ints(&a, "kernel_shape", 2, (int64_t[]){k, k});
  model_ints(&a, "pads", 4, pads);
  model_int(&a, "group", depthwise ? c : 1);
  snprintf(inputs, sizeof inputs, "v%zu w%zu b%zu", x, n->count, n->count);
  add_node(n, "Conv", inputs, &a, out);
}

static void add_unary(struct network *n) {
  static const char *const ops[] = {"Relu", "Sigmoid", "Tanh", "Neg",
                                    "Softplus"};
  size_t x = pick(n);
  add_node(n, ops[test_random_range(&n->random, 0, 4)], name_of("v", x), NULL,
           n->channels[x]);
}

static void add_pool(struct network *n) {
  size_t x = pick(n);
  struct text a = model_text(&n->model);
  model_ints(&a, "kernel_shape", 2, (int64_t[]){3, 3});
  model_ints(&a, "pads", 4, (int64_t[]){1, 1, 1, 1});
  add_node(n, test_random_range(&n->random, 0, 1) ? "MaxPool" : "AveragePool",
           name_of("v", x), &a, n->channels[x]);
}

/* A sum where the channels agree, else a concatenation. */
static void add_join(struct network *n) {
  size_t x = pick(n), y = pick(n);
  char inputs[64];
  snprintf(inputs, sizeof inputs, "v%zu v%zu", x, y);
  if (n->channels[x] == n->channels[y]) {
    add_node(n, test_random_range(&n->random, 0, 1) ? "Add" : "Mul", inputs,
             NULL, n->channels[x]);
    return;
  }
  struct text a = model_text(&n->model);
  model_int(&a, "axis", 1);
  add_node(n, "Concat", inputs, &a, n->channels[x] + n->channels[y]);
}

static void add_scale(struct network *n) {
  size_t x = pick(n);
  char inputs[64];
  add_weights(n, name_of("s", n->count), 3, (int64_t[]){n->channels[x], 1, 1},
              1);
  snprintf(inputs, sizeof inputs, "v%zu s%zu", x, n->count);
  add_node(n, test_random_range(&n->random, 0, 1) ? "Mul" : "Sub", inputs, NULL,
           n->channels[x]);
}

static void add_softmax(struct network *n) {
  size_t x = pick(n);
  struct text a = model_text(&n->model);
  model_int(&a, "axis", test_random_range(&n->random, 1, 3));
  add_node(n, "Softmax", name_of("v", x), &a, n->channels[x]);
}

/* Two nodes with a value of another type between them. */
static void add_types(struct network *n) {
  size_t x = pick(n), y = pick(n);
  char inputs[64];
  if (n->channels[x] != n->channels[y])
    y = x;
  if (test_random_range(&n->random, 0, 1)) {
    struct text to = model_text(&n->model), back = model_text(&n->model);
    model_int(&to, "to", DOUBLE);
    model_int(&back, "to", FLOAT);
    model_node(&n->model, "Cast", name_of("to", n->count), name_of("v", x),
               name_of("t", n->count), &to);
    add_node(n, "Cast", name_of("t", n->count), &back, n->channels[x]);
    return;
  }
  snprintf(inputs, sizeof inputs, "v%zu v%zu", x, y);
  model_node(&n->model, "Greater", name_of("greater", n->count), inputs,
             name_of("t", n->count), NULL);
  snprintf(inputs, sizeof inputs, "t%zu v%zu v%zu", n->count, x, y);
  add_node(n, "Where", inputs, NULL, n->channels[x]);
}

/* Each channel times its mean. */
static void add_excitation(struct network *n) {
  size_t x = pick(n);
  char inputs[64];
  model_node(&n->model, "GlobalAveragePool", name_of("mean", n->count),
             name_of("v", x), name_of("t", n->count), NULL);
  snprintf(inputs, sizeof inputs, "v%zu t%zu", x, n->count);
  add_node(n, "Mul", inputs, NULL, n->channels[x]);
}

static void build(struct network *n, uint64_t seed, size_t nodes,
                  int64_t height, int64_t width) {
  static void (*const makers[])(struct network *) = {
      add_conv, add_conv,  add_conv,    add_unary, add_pool,
      add_join, add_scale, add_softmax, add_types, add_excitation};
  *n = (struct network){.random = {seed}, .channels = {5}, .count = 1};
  model_begin(&n->model, 17);
  model_input(&n->model, "v0", FLOAT, 4, (int64_t[]){1, 5, height, width});
  for (size_t i = 0; i < nodes; i++)
    makers[test_random_range(&n->random, 0, ARRAY_COUNT(makers) - 1)](n);
  model_output(&n->model, name_of("v", n->count - 1));
  if (n->count > 3)
    model_output(&n->model, name_of("v", n->count - 3));
}

/* ---- Running ------------------------------------------------------------- */
struct results {
  size_t count, elements[MAX_IO];
  float *data[MAX_IO];
};

static void free_results(struct results *results) {
  for (size_t i = 0; i < results->count; i++)
    free(results->data[i]);
}

static float *random_input(size_t elements) {
  struct test_random random = {elements};
  float *data = malloc((elements + 1) * sizeof *data);
  assert_non_null(data);
  for (size_t i = 0; i < elements; i++)
    data[i] = (float)test_random_double(&random);
  return data;
}

/* For models of one input; `shapes` where dimensions are open. */
static void run_package(struct fixture *f, const char *path, int threads,
                        const int64_t *const *shapes, struct results *results) {
  adze_model *model;
  adze_instance *instance;
  struct adze_tensor_info info;
  struct adze_instance_options options = {.threads = threads,
                                          .input_dims = shapes};
  assert_ok(adze_model_load(path, NULL, &model, &f->error), f->error);
  assert_ok(adze_instance_create(model, &options, &instance, &f->error),
            f->error);
  adze_instance_input(instance, 0, &info);
  float *in = random_input(info.bytes / sizeof(float));
  assert_ok(adze_instance_bind_input(instance, 0, in, info.bytes, &f->error),
            f->error);
  results->count = adze_model_output_count(model);
  assert_true(results->count <= MAX_IO);
  for (size_t i = 0; i < results->count; i++) {
    adze_instance_output(instance, i, &info);
    results->elements[i] = info.bytes / sizeof(float);
    results->data[i] = malloc(info.bytes + 1);
    assert_ok(adze_instance_bind_output(instance, i, results->data[i],
                                        info.bytes, &f->error),
              f->error);
  }
  assert_ok(adze_instance_run(instance, &f->error), f->error);
  adze_instance_destroy(instance);
  adze_model_unload(model);
  free(in);
}

static void run_reference(struct fixture *f, const char *model,
                          const struct results *like, struct results *results,
                          size_t in_elements) {
  float *in = random_input(in_elements);
  const void *inputs[1] = {in};
  void *outputs[MAX_IO];
  *results = *like;
  for (size_t i = 0; i < like->count; i++)
    outputs[i] = results->data[i] =
        malloc(like->elements[i] * sizeof(float) + 1);
  assert_ok(adze_interpret(model, NULL, inputs, outputs, &f->error), f->error);
  free(in);
}

static double largest_error(const struct results *a, const struct results *b) {
  double worst = 0;
  assert_int_equal(a->count, b->count);
  for (size_t i = 0; i < a->count; i++) {
    double largest = 1e-30, difference = 0;
    assert_int_equal(a->elements[i], b->elements[i]);
    for (size_t e = 0; e < a->elements[i]; e++) {
      double x = (double)a->data[i][e], y = (double)b->data[i][e];
      assert_true(isfinite(x) && isfinite(y));
      largest = fmax(largest, fabs(y));
      difference = fmax(difference, fabs(x - y));
    }
    worst = fmax(worst, difference / largest);
  }
  return worst;
}

static void compile(struct fixture *f, const char *model, const char *package,
                    const struct adze_compile_options *options) {
  assert_ok(adze_compile(model, package, options, &f->error), f->error);
}

/* ---- Numbers ------------------------------------------------------------- */
static void equals_reference(void **state) {
  struct fixture *f = *state;
  uint64_t seeds = test_small() ? 4 : 12;
  for (uint64_t seed = 1; seed <= seeds; seed++) {
    struct network n;
    int64_t height = 4 + (int64_t)(seed * 7 % 9),
            width = 3 + (int64_t)(seed * 5 % 17);
    build(&n, seed, 8 + seed % 8, height, width);
    const char *model = write_model(f, &n.model, "random.onnx");
    const char *package = in_folder(f, "random.tar");
    compile(f, model, package, NULL);
    struct results one, three, reference;
    run_package(f, package, 1, NULL, &one);
    run_package(f, package, 3, NULL, &three);
    run_reference(f, model, &one, &reference, (size_t)(5 * height * width));
    double error = largest_error(&one, &reference);
    if (error > 1e-5)
      fail_msg("seed %llu: %g of the largest value", (unsigned long long)seed,
               error);
    for (size_t i = 0; i < one.count; i++)
      assert_memory_equal(one.data[i], three.data[i],
                          one.elements[i] * sizeof(float));
    free_results(&one);
    free_results(&three);
    free_results(&reference);
  }
}

static void read_file(struct fixture *f, const char *path,
                      struct file_map *map) {
  assert_ok(file_map_open(path, map, &f->error), f->error);
}

static void same_bytes(void **state) {
  struct fixture *f = *state;
  struct network n;
  build(&n, 3, 14, 9, 11);
  const char *model = write_model(f, &n.model, "same.onnx");
  struct adze_compile_options options;
  adze_compile_options_init(&options);
  static const int threads[] = {1, 4, 1};
  struct file_map first, map;
  for (size_t i = 0; i < ARRAY_COUNT(threads); i++) {
    const char *path = in_folder(f, i ? "again.tar" : "first.tar");
    options.threads = threads[i];
    compile(f, model, path, &options);
    read_file(f, path, i ? &map : &first);
    if (i == 0)
      continue;
    assert_int_equal(map.size, first.size);
    assert_memory_equal(map.data, first.data, first.size);
    file_map_close(&map);
  }
  file_map_close(&first);
}

/* ---- Open dimensions ----------------------------------------------------- */
static void open_equals_fixed(void **state) {
  struct fixture *f = *state;
  static const int64_t sizes[][2] = {{7, 5}, {16, 33}, {1, 2}};
  for (uint64_t seed = 20; seed < (test_small() ? 22 : 25); seed++) {
    struct network n;
    build(&n, seed, 9, MODEL_OPEN, MODEL_OPEN);
    const char *model = write_model(f, &n.model, "open.onnx");
    const char *package = in_folder(f, "open.tar");
    struct adze_compile_options options;
    adze_compile_options_init(&options);
    options.shape_hint = "v0:[1,5,16,33]";
    compile(f, model, package, &options);
    options.shape_hint = NULL;
    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
      const int64_t dims[4] = {1, 5, sizes[i][0], sizes[i][1]};
      const int64_t *shapes[1] = {dims};
      char text[64];
      struct results open, fixed;
      snprintf(text, sizeof text, "v0:[1,5,%d,%d]", (int)dims[2], (int)dims[3]);
      options.input_shapes = text;
      const char *fixed_package = in_folder(f, "fixed.tar");
      compile(f, model, fixed_package, &options);
      run_package(f, package, 2, shapes, &open);
      run_package(f, fixed_package, 2, NULL, &fixed);
      double error = largest_error(&open, &fixed);
      if (error > 2e-6)
        fail_msg("seed %llu, %s: %g of the largest value",
                 (unsigned long long)seed, text, error);
      free_results(&open);
      free_results(&fixed);
    }
  }
}

static void contradictions(void **state) {
  struct fixture *f = *state;
  struct model m;
  adze_model *model;
  adze_instance *instance;
  model_begin(&m, 17);
  model_input(&m, "a", FLOAT, 4, (int64_t[]){1, 8, MODEL_OPEN, 4});
  model_input(&m, "b", FLOAT, 4, (int64_t[]){1, 8, MODEL_OPEN, 4});
  model_node(&m, "Add", "residual", "a b", "y", NULL);
  model_output(&m, "y");
  const char *path = write_model(f, &m, "contradiction.onnx");
  const char *package = in_folder(f, "contradiction.tar");
  compile(f, path, package, NULL);
  assert_ok(adze_model_load(package, NULL, &model, &f->error), f->error);
  static const int64_t good[4] = {1, 8, 5, 4}, other[4] = {1, 8, 6, 4},
                       channels[4] = {1, 7, 5, 4};
  const int64_t *shapes[2] = {good, other};
  struct adze_instance_options options = {.input_dims = shapes};
  assert_fails(adze_instance_create(model, &options, &instance, &f->error),
               f->error, ADZE_SHAPE, "residual");
  shapes[1] = channels;
  assert_fails(adze_instance_create(model, &options, &instance, &f->error),
               f->error, ADZE_SHAPE, "b");
  shapes[1] = good;
  assert_ok(adze_instance_create(model, &options, &instance, &f->error),
            f->error);
  adze_instance_destroy(instance);
  adze_model_unload(model);
  struct adze_compile_options compiling;
  adze_compile_options_init(&compiling);
  compiling.input_shapes = "a:[1,8,5]";
  assert_fails(adze_compile(path, package, &compiling, &f->error), f->error,
               ADZE_INVALID_ARGUMENT, "'a' has 4 dimensions");
  compiling.input_shapes = "a:[1,8,5,4],b:[1,8,6,4]";
  assert_fails(adze_compile(path, package, &compiling, &f->error), f->error,
               ADZE_SHAPE, "residual");
  compiling.input_shapes = NULL;
  compiling.shape_hint = "a:[1,8]";
  assert_fails(adze_compile(path, package, &compiling, &f->error), f->error,
               ADZE_INVALID_ARGUMENT, "--shape-hint: 'a' has 4 dimensions");
  compiling.shape_hint = "c:[1]";
  assert_fails(adze_compile(path, package, &compiling, &f->error), f->error,
               ADZE_INVALID_ARGUMENT, "no input 'c'");
}

/* ---- What is said -------------------------------------------------------- */
static const char *tiny_model(struct fixture *f) {
  struct network n;
  build(&n, 5, 4, 6, 6);
  return write_model(f, &n.model, "tiny net.onnx");
}

static bool exists(const struct fixture *f, const char *name) {
  return access(in_folder(f, name), F_OK) == 0;
}

static void bad_options(void **state) {
  struct fixture *f = *state;
  const char *model = tiny_model(f), *out = in_folder(f, "out.tar");
  struct adze_compile_options options;
  adze_compile_options_init(&options);
  options.target = "llvm -mcpu=znver99";
  assert_fails(adze_compile(model, out, &options, &f->error), f->error,
               ADZE_INVALID_ARGUMENT, "did you mean");
  options.target = NULL;
  options.dump_code = "ll,lll";
  assert_fails(adze_compile(model, out, &options, &f->error), f->error,
               ADZE_INVALID_ARGUMENT, "'lll' is not one of ll, asm, ir, c");
  options.dump_code = NULL;
  options.target = "llvm";
  options.output_format = ADZE_OUTPUT_C;
  assert_fails(adze_compile(model, out, &options, &f->error), f->error,
               ADZE_INVALID_ARGUMENT, "needs the target c");
  options.target = NULL;
  options.module_name = "9lives";
  assert_fails(adze_compile(model, out, &options, &f->error), f->error,
               ADZE_INVALID_ARGUMENT, "9lives");
  setenv("ADZE_DUMP", "nothing", 1);
  assert_fails(adze_compile(model, out, NULL, &f->error), f->error,
               ADZE_INVALID_ARGUMENT, "'nothing' is not one of");
  unsetenv("ADZE_DUMP");
  assert_fails(adze_compile(in_folder(f, "absent.onnx"), out, NULL, &f->error),
               f->error, ADZE_NOT_FOUND, "absent.onnx");
  assert_false(exists(f, "out.tar"));
}

static void unsupported_node(void **state) {
  struct fixture *f = *state;
  struct model m;
  model_begin(&m, 17);
  model_input(&m, "x", FLOAT, 1, (int64_t[]){4});
  model_node(&m, "NonZero", "the-node", "x", "y", NULL);
  model_output(&m, "y");
  const char *path = write_model(f, &m, "nonzero.onnx");
  assert_fails(adze_compile(path, in_folder(f, "n.tar"), NULL, &f->error),
               f->error, ADZE_UNSUPPORTED, "the-node");
  assert_non_null(strstr(f->error.message, "nonzero.onnx"));
  assert_false(exists(f, "n.tar"));
}

/* A file may not grow beyond 20 kB: what a full disk says, for any user. */
static void full_disk(void **state) {
  struct fixture *f = *state;
  const char *model = tiny_model(f);
  struct rlimit before, little;
  assert_fails(
      adze_compile(model, in_folder(f, "no/such.tar"), NULL, &f->error),
      f->error, ADZE_IO, "no/such.tar");
  assert_fails(
      adze_compile(in_folder(f, "absent.onnx"), f->folder, NULL, &f->error),
      f->error, ADZE_IO, "is a folder"); /* before any work */
  void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
  little = before;
  little.rlim_cur = 20000;
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
  enum adze_status status =
      adze_compile(model, in_folder(f, "big.tar"), NULL, &f->error);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
  signal(SIGXFSZ, handler);
  assert_int_not_equal(status, ADZE_OK);
  assert_false(exists(f, "big.tar"));
}

struct progress {
  size_t calls, finished;
  char stages[256];
};

static void note_progress(void *context, const char *stage, size_t done,
                          size_t total) {
  struct progress *progress = context;
  progress->calls++;
  assert_true(done <= total && total > 0);
  if (done < total)
    return;
  progress->finished++;
  size_t size = strlen(progress->stages);
  snprintf(progress->stages + size, sizeof progress->stages - size, "%s ",
           stage);
}

static void progress_and_dumps(void **state) {
  struct fixture *f = *state;
  struct progress progress = {0};
  struct adze_compile_options options;
  adze_compile_options_init(&options);
  options.progress = note_progress;
  options.progress_context = &progress;
  options.dump_code = "ll,ir,asm";
  compile(f, tiny_model(f), in_folder(f, "p.tar"), &options);
  assert_string_equal(progress.stages,
                      "import passes plan kernels weights code package ");
  assert_true(exists(f, "p.tar.ll") && exists(f, "p.tar.asm"));
  struct file_map map;
  read_file(f, in_folder(f, "p.tar.ir"), &map);
  assert_true(map.size > 13 && !memcmp(map.data, "flat function", 13));
  file_map_close(&map);
  options.dump_code = "c,ir";
  options.output_format = ADZE_OUTPUT_C;
  compile(f, tiny_model(f), in_folder(f, "p.c"), &options);
  assert_true(exists(f, "p.c") && exists(f, "p.c.c") && exists(f, "p.c.ir"));
}

/* Symbols have the module's name: the user's, or made of the file's. */
static void module_names(void **state) {
  struct fixture *f = *state;
  struct adze_compile_options options;
  struct file_map map;
  adze_compile_options_init(&options);
  options.output_format = ADZE_OUTPUT_OBJ;
  compile(f, tiny_model(f), in_folder(f, "a.o"), &options);
  assert_true(exists(f, "adze_tiny_net.h"));
  options.output_format = ADZE_OUTPUT_STATIC;
  options.module_name = "mine";
  compile(f, tiny_model(f), in_folder(f, "libmine.a"), &options);
  assert_true(exists(f, "libmine.a"));
  read_file(f, in_folder(f, "mine.h"), &map);
  assert_non_null(memmem(map.data, map.size, "mine_run(", 9));
  file_map_close(&map);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      CASE(equals_reference), CASE(same_bytes),         CASE(open_equals_fixed),
      CASE(contradictions),   CASE(bad_options),        CASE(unsupported_node),
      CASE(full_disk),        CASE(progress_and_dumps), CASE(module_names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
