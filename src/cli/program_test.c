/* SPDX-License-Identifier: Apache-2.0 */
/* The program as a whole, run as people run it: what it prints, what it writes,
 * and its exit codes. Models are made here, byte by byte: y = relu(x + b) with
 * b = -1, whose height is 4 or left open, and one with x * b. */
#include "test.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include "base/file.h"
#include "cli/npz.h"

static struct arena *arena;
static char folder[4096];
static char *output, *errors; /* of the last command */
static struct adze_error error;

static const char *in_folder(const char *name) {
  return arena_printf(arena, "%s/%s", folder, name);
}

static char *read_text(const char *path) {
  struct file_map map;
  if (file_map_open(path, &map, NULL))
    return arena_strdup(arena, "");
  char *text =
      arena_strndup(arena, map.size ? (const char *)map.data : "", map.size);
  file_map_close(&map);
  return text;
}

/* Runs "adze ARGUMENTS" in the folder; returns its exit code. */
static int run_as(const char *program, const char *arguments) {
  const char *command = arena_printf(
      arena, "cd '%s' && >out.txt 2>err.txt ADZE_CACHE='%s/cache' '%s' %s",
      folder, folder, program, arguments);
  int how = system(command);
  output = read_text(in_folder("out.txt"));
  errors = read_text(in_folder("err.txt"));
  return WIFEXITED(how) ? WEXITSTATUS(how) : -1;
}

static int run(const char *arguments) {
  return run_as(ADZE_BINARY_DIR "/bin/adze", arguments);
}

/* Asserts an exit code and that stdout (code 0) or stderr holds the text. */
#define assert_run(arguments, code, part)                                      \
  do {                                                                         \
    int run_code_ = run(arguments);                                            \
    if (run_code_ != (code) || !strstr((code) ? errors : output, (part)))      \
      fail_msg("adze %s: exit code %d\n%s%s", (arguments), run_code_, output,  \
               errors);                                                        \
  } while (0)

/* ---- A model in ONNX's bytes --------------------------------------------- */
struct bytes {
  uint8_t data[1024];
  size_t size;
};

static void put(struct bytes *to, const void *data, size_t size) {
  assert_true(to->size + size <= sizeof to->data);
  memcpy(to->data + to->size, data, size);
  to->size += size;
}

/* A field of bytes shorter than 16 KiB. */
static void put_field(struct bytes *to, int number, const void *data,
                      size_t size) {
  const uint8_t head[] = {(uint8_t)(number << 3 | 2),
                          (uint8_t)(size & 127) | (size > 127 ? 128 : 0),
                          (uint8_t)(size >> 7)};
  put(to, head, size > 127 ? 3 : 2);
  put(to, data, size);
}

static void put_text(struct bytes *to, int number, const char *text) {
  put_field(to, number, text, strlen(text));
}

static void put_message(struct bytes *to, int number,
                        const struct bytes *message) {
  put_field(to, number, message->data, message->size);
}

static void put_number(struct bytes *to, int number, int value) {
  const uint8_t field[] = {(uint8_t)(number << 3), (uint8_t)value};
  put(to, field, 2);
}

/* ValueInfoProto: NAME float[1,3,height,5]; height 0 is "height". */
static struct bytes value_info(const char *name, int height) {
  const int dims[] = {1, 3, height, 5};
  struct bytes shape = {0}, tensor = {0}, type = {0}, info = {0};
  for (size_t i = 0; i < ARRAY_COUNT(dims); i++) {
    struct bytes dim = {0};
    if (dims[i])
      put_number(&dim, 1, dims[i]);
    else
      put_text(&dim, 2, "height");
    put_message(&shape, 1, &dim);
  }
  put_number(&tensor, 1, 1);
  put_message(&tensor, 2, &shape);
  put_message(&type, 1, &tensor);
  put_text(&info, 1, name);
  put_message(&info, 2, &type);
  return info;
}

static struct bytes node(const char *op, const char *a, const char *b,
                         const char *result) {
  struct bytes node = {0};
  put_text(&node, 1, a);
  if (b)
    put_text(&node, 1, b);
  put_text(&node, 2, result);
  put_text(&node, 4, op);
  return node;
}

static void write_binary(const char *path, const char *op, float operand,
                         int height) {
  struct bytes graph = {0}, model = {0}, b = {0}, opset = {0};
  struct bytes binary = node(op, "x", "b", "t"),
               relu = node("Relu", "t", NULL, "y");
  struct bytes x = value_info("x", height), y = value_info("y", height);
  put_number(&b, 2, 1);
  put_text(&b, 8, "b");
  put_field(&b, 9, &operand, sizeof operand);
  put_message(&graph, 1, &binary);
  put_message(&graph, 1, &relu);
  put_text(&graph, 2, "tiny");
  put_message(&graph, 5, &b);
  put_message(&graph, 11, &x);
  put_message(&graph, 12, &y);
  put_number(&opset, 2, 13);
  put_number(&model, 1, 8);
  put_message(&model, 7, &graph);
  put_message(&model, 8, &opset);
  assert_ok(file_write_all(path, model.data, model.size, &error), error);
}

static void write_model(const char *path, int height) {
  write_binary(path, "Add", -1, height);
}

/* ---- Arrays -------------------------------------------------------------- */
static struct array make_array(const char *name, enum adze_dtype dtype,
                               int64_t height) {
  struct array array = {
      .name = name, .dtype = dtype, .rank = 4, .dims = {1, 3, height, 5}};
  assert_true(array_measure(&array));
  array_allocate(arena, &array);
  for (size_t i = 0; i < array_count(&array); i++)
    array_set(&array, i, (double)i - 10);
  return array;
}

static void write_array(const char *path, const struct array *array) {
  assert_ok(npz_write(arena, path, array, 1, &error), error);
}

/* relu(x - 1). */
static void assert_result(const char *path, const char *name, int64_t height) {
  struct npz *npz;
  assert_ok(npz_open(arena, path, &npz, &error), error);
  assert_int_equal(npz_count(npz), 1);
  struct array found = *npz_array(npz, 0);
  assert_string_equal(found.name, name);
  assert_int_equal(found.dims[2], height);
  array_allocate(arena, &found);
  assert_ok(npz_read(npz, 0, found.data, &error), error);
  for (size_t i = 0; i < array_count(&found); i++)
    assert_true(array_get(&found, i) == (i < 11 ? 0 : (double)i - 11));
}

/* A TensorProto file with the array's data. */
static void write_tensor(const char *path, const struct array *array) {
  struct bytes tensor = {0};
  for (int i = 0; i < array->rank; i++)
    put_number(&tensor, 1, (int)array->dims[i]);
  put_number(&tensor, 2, 1);
  put_field(&tensor, 9, array->data, array->bytes);
  assert_ok(file_write_all(path, tensor.data, tensor.size, &error), error);
}

/* ---- Tests --------------------------------------------------------------- */
static void explains_itself(void **state) {
  static const char *const commands[] = {
#define CLI_COMMAND(name) #name,
#include "cli/commands.def"
#undef CLI_COMMAND
  };
  (void)state;
  assert_run("--help", 0, "Usage: adze COMMAND");
  assert_run("--version", 0, "adze ");
  assert_int_equal(run(""), 1);
  assert_non_null(strstr(output, "Usage: adze COMMAND"));
  for (size_t i = 0; i < ARRAY_COUNT(commands); i++) {
    assert_run(arena_printf(arena, "%s --help", commands[i]), 0, "Examples:");
    assert_run(arena_printf(arena, "help %s", commands[i]), 0, "Examples:");
  }
  assert_run("comple x", 2, "did you mean compile?");
  assert_run("help comple", 2, "did you mean compile?");
  assert_run("compile --outptu x", 2, "did you mean --output?");
  assert_run("compile", 2, "MODEL is missing");
  assert_run("env > /dev/full", 4, "No space left");
}

static void keeps_its_documentation(void **state) {
  (void)state;
  assert_int_equal(run("help --markdown"), 0);
  const char *page = read_text(ADZE_SOURCE_DIR "/docs/COMMANDS.md");
  if (strcmp(page, output) != 0)
    fail_msg("docs/COMMANDS.md is out of date: build/bin/adze help --markdown "
             "> docs/COMMANDS.md");
}

static void compiles_and_runs(void **state) {
  struct array x = make_array("x", ADZE_F32, 4);
  (void)state;
  write_array(in_folder("in.npz"), &x);
  assert_run("compile tiny.onnx -o tiny.tar", 0, "tiny.tar: ");
  assert_run("run tiny.tar -i in.npz -o out.npz", 0, "");
  assert_result(in_folder("out.npz"), "y", 4);
  assert_run("run tiny.tar -i in.npz -o out.npz --output-n pos", 0, "");
  assert_result(in_folder("out.npz"), "output_0", 4);
  assert_run("run tiny.tar -i in.npz --print-top 2", 0, "          48      59");
  assert_run("run tiny.tar --fill-mode ones", 0,
             "y float32[1,3,4,5]  min 0  mean 0  max 0");
  assert_run("run tiny.tar --print-time --repeat 3", 0, "median (ms)");
  assert_run("run tiny.tar --profile", 0, "kernel");
  assert_run("info tiny.tar", 0, "x float32[1,3,4,5]");
  assert_run("info tiny.onnx --json", 0, "\"Relu\": 1");
  assert_run("bench tiny.tar -t 0 --threads 1 --json", 0, "\"p99_ms\": ");
  assert_run("bench tiny.tar tiny.onnx -t 0 --layers", 0, "GFLOP/s");
  assert_run("bench tiny.tar -t 0 --layers --json", 0, "\"template\": ");
  assert_run("run tiny.tar -i in.npz -o /dev/full", 4, "/dev/full");
  setenv("ADZE_THREADS", "x", 1);
  assert_run("run tiny.tar", 2, "ADZE_THREADS must be a number");
  assert_run("env", 0, "now: x");
  unsetenv("ADZE_THREADS");
  assert_run("compile tiny.onnx -f c --module-name tiny -o t.c", 0, "t.c: ");
  assert_run("compile tiny.onnx --dump-code ll,ir -o d.tar", 0,
             "\nd.tar.ll\nd.tar.ir\n");
  assert_run("compile tiny.onnx -o absent/tiny.tar", 4, "absent/tiny.tar");
  assert_run("compile absent.onnx -o .", 4, ".: can't write: is a folder");
  assert_run("run tiny.tar -i absent.npz -o .", 4, "is a folder");
}

/* The number after "name": in the only object that was printed. */
static double json_number(const char *name) {
  const char *at = strstr(output, arena_printf(arena, "\"%s\": ", name));
  assert_non_null(at);
  return strtod(at + strlen(name) + 4, NULL);
}

static void measures_throughput(void **state) {
  (void)state;
  assert_run("compile open.onnx -o open.tar", 0, "");
  assert_run("bench tiny.onnx -t 0.01 --threads 1 --json", 0, "\"fps\": ");
  assert_true(json_number("instances") == 1);
  /* One instance after the other does what the mean time of a run says. */
  assert_float_equal(json_number("fps") * json_number("mean_ms"), 1000, 0.1);
  assert_run("bench open.tar --input-shapes x:[1,3,6,5] --hint throughput "
             "--threads 3 -t 0.05 --json",
             0, "\"instances\": 3");
  assert_true(json_number("threads") == 3);
  assert_true(json_number("fps") > 0);
  assert_true(json_number("fps") * json_number("max_ms") >= 1000);
  assert_run("bench tiny.onnx --hint throughput -t 0", 0, "instances");
  assert_run("bench tiny.onnx --hint thr --threads 1 -t 0 --warmup 0", 0,
             "fps");
  assert_run("bench open.tar --hint throughput", 10,
             "give it with --input-shapes");
  assert_run("bench tiny.tar --hint fast", 2, "one of latency|throughput");
  assert_run("bench tiny.tar --hint throughput --layers", 2,
             "can't go with --hint throughput");
}

static void keeps_tvmcs_names(void **state) {
  struct array x = make_array("x", ADZE_F32, 4);
  const char *tvmc = in_folder("tvmc");
  (void)state;
  write_array(in_folder("in.npz"), &x);
  assert_int_equal(symlink(ADZE_BINARY_DIR "/bin/adze", tvmc), 0);
  assert_int_equal(run_as(tvmc, "compile --target llvm tiny.onnx"), 0);
  assert_int_equal(
      run_as(tvmc, "run --inputs in.npz --outputs out.npz module.tar"), 0);
  assert_result(in_folder("out.npz"), "output_0", 4);
}

static void names_wrong_inputs(void **state) {
  struct array name = make_array("z", ADZE_F32, 4);
  struct array type = make_array("x", ADZE_F64, 4);
  struct array shape = make_array("x", ADZE_F32, 7);
  (void)state;
  assert_run("compile tiny.onnx -o tiny.tar", 0, "");
  write_array(in_folder("name.npz"), &name);
  write_array(in_folder("type.npz"), &type);
  write_array(in_folder("shape.npz"), &shape);
  assert_run("run tiny.tar -i name.npz", 2,
             "name.npz: array 'z' is no input of tiny.tar, whose inputs are x");
  assert_run("run tiny.tar -i type.npz", 2,
             "type.npz: array 'x' is float64[1,3,4,5], but input 'x' of "
             "tiny.tar needs float32[1,3,4,5]");
  assert_run("run tiny.tar -i shape.npz", 10, "is float32[1,3,7,5]");
  assert_run("run tiny.tar -i absent.npz", 3, "absent.npz");
  assert_run("run absent.tar", 3, "absent.tar");
  assert_run("run tiny.tar --input-shapes x:[1,3,9,5]", 10,
             "dimension 2 of input 'x' is 4");
  assert_run("run tiny.tar --input-shapes w:[1]", 2, "names 'w'");
}

static void binds_open_dimensions(void **state) {
  struct array x = make_array("x", ADZE_F32, 6);
  (void)state;
  write_array(in_folder("in.npz"), &x);
  assert_run("compile open.onnx -o open.tar", 0, "");
  assert_run("run open.tar -i in.npz -o out.npz", 0, "");
  assert_result(in_folder("out.npz"), "y", 6);
  assert_run("run open.tar --input-shapes x:[1,3,8,5]", 0, "[1,3,8,5]");
  assert_run("run open.tar", 10, "give it with --input-shapes");
  assert_run("run open.onnx -i in.npz -o out.npz", 0, "");
  assert_result(in_folder("out.npz"), "y", 6);
}

static void flushes_denormals(void **state) {
  (void)state;
  write_binary(in_folder("faint.onnx"), "Mul", 1e-39f, 4);
  assert_run("compile faint.onnx -o faint.tar", 0, "");
  assert_run("run faint.tar --fill-mode ones", 0, "max 1e-39\n");
  assert_run("run faint.tar --fill-mode ones --flush-denormals", 0,
             "min 0  mean 0  max 0\n");
  assert_run("run faint.onnx --fill-mode ones --flush-denormals --threads 2", 0,
             "max 0\n");
  assert_run("run tiny.onnx --flush-denormals --fill-mode zeros", 0, "max 0\n");
  assert_run("bench faint.tar -t 0 --flush-denormals", 0, "fps");
  assert_run("bench faint.tar -t 0 --flush-denormals --hint throughput", 0,
             "fps");
}

static void copies_weights(void **state) {
  (void)state;
  assert_run("run tiny.onnx --copy-weights --fill-mode ones", 0, "y ");
  assert_run("bench tiny.onnx -t 0 --copy-weights", 0, "fps");
}

/* The one package in the cache. */
static const char *cached(void) {
  assert_int_equal(system(arena_printf(arena, "ls '%s/cache' > '%s/list.txt'",
                                       folder, folder)),
                   0);
  char *name = read_text(in_folder("list.txt"));
  name[strcspn(name, "\n")] = '\0';
  return arena_printf(arena, "%s/cache/%s", folder, name);
}

/* For as many cores as run it. */
static void compiles_for_threads(void **state) {
  (void)state;
  static const char *const runs[][2] = {
      {"run tiny.onnx --threads 1", "-num-cores=1"},
      {"bench tiny.onnx -t 0 --threads 3", "-num-cores=3"},
      {"bench tiny.onnx -t 0 --threads 3 --hint throughput", "-num-cores=1"}};
  for (size_t i = 0; i < ARRAY_COUNT(runs); i++) {
    folder_remove(in_folder("cache"));
    assert_run(runs[i][0], 0, "");
    assert_run(arena_printf(arena, "info '%s'", cached()), 0, runs[i][1]);
  }
}

static void mends_its_cache(void **state) {
  struct array x = make_array("x", ADZE_F32, 4);
  struct stat first, second;
  (void)state;
  folder_remove(in_folder("cache"));
  write_array(in_folder("in.npz"), &x);
  assert_run("run tiny.onnx -i in.npz -o out.npz", 0, "");
  assert_int_equal(stat(cached(), &first), 0);
  assert_run("run tiny.onnx -i in.npz -o out.npz", 0, "");
  assert_int_equal(stat(cached(), &second), 0);
  assert_int_equal(first.st_ino, second.st_ino); /* not compiled again */
  assert_int_equal(truncate(cached(), first.st_size / 2), 0);
  assert_run("run tiny.onnx -i in.npz -o out.npz", 0, "");
  assert_result(in_folder("out.npz"), "y", 4);
  assert_int_equal(stat(cached(), &second), 0);
  assert_int_equal(first.st_size, second.st_size);
}

static void verifies(void **state) {
  struct array x = make_array("x", ADZE_F32, 4);
  struct array y = make_array("y", ADZE_F32, 4);
  (void)state;
  for (size_t i = 0; i < array_count(&y); i++)
    array_set(&y, i, i < 11 ? 0 : (double)i - 11);
  assert_int_equal(
      system(arena_printf(arena,
                          "mkdir -p '%s/cases/good/test_data_set_0' "
                          "'%s/cases/more/bad/test_data_set_0'",
                          folder, folder)),
      0);
  write_model(in_folder("cases/good/model.onnx"), 4);
  write_model(in_folder("cases/more/bad/model.onnx"), 0);
  write_tensor(in_folder("cases/good/test_data_set_0/input_0.pb"), &x);
  write_tensor(in_folder("cases/good/test_data_set_0/output_0.pb"), &y);
  write_tensor(in_folder("cases/more/bad/test_data_set_0/input_0.pb"), &x);
  array_set(&y, 17, 100);
  write_tensor(in_folder("cases/more/bad/test_data_set_0/output_0.pb"), &y);
  assert_run("verify cases/good", 0, "ok good\n1 passed, 0 failed\n");
  assert_int_equal(run("verify cases"), 1);
  assert_non_null(strstr(output, "ok good\nfailed bad: output 'y': 1 of 60 "
                                 "elements differ, the worst at [0,0,3,2]: 6 "
                                 "instead of 100"));
  assert_non_null(strstr(output, "1 passed, 1 failed\n"));
  assert_run("verify tiny.onnx", 0, "ok tiny\n1 passed"); /* the reference */
  struct array both[] = {x, y};
  both[0].name = "in:x", both[1].name = "out:y";
  assert_ok(npz_write(arena, in_folder("both.npz"), both, 2, &error), error);
  assert_int_equal(run("verify tiny.onnx both.npz"), 1);
  assert_run("verify tiny.onnx both.npz --atol 95", 0, "ok tiny");
  assert_run("verify cache", 3, "no model");
}

static int set_up(void **state) {
  (void)state;
  arena = arena_create("test");
  if (!arena || folder_make_temporary(folder, &error))
    return -1;
  write_model(in_folder("tiny.onnx"), 4);
  write_model(in_folder("open.onnx"), 0);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  arena_destroy(arena);
  folder_remove(folder);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(explains_itself),
      cmocka_unit_test(keeps_its_documentation),
      cmocka_unit_test(compiles_and_runs),
      cmocka_unit_test(measures_throughput),
      cmocka_unit_test(keeps_tvmcs_names),
      cmocka_unit_test(names_wrong_inputs),
      cmocka_unit_test(binds_open_dimensions),
      cmocka_unit_test(flushes_denormals),
      cmocka_unit_test(copies_weights),
      cmocka_unit_test(compiles_for_threads),
      cmocka_unit_test(mends_its_cache),
      cmocka_unit_test(verifies),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
