/* SPDX-License-Identifier: Apache-2.0 */
/* npz files: written and read back, against numpy where there is one, and the
 * corpus of damaged ones with what each must say. */
#include "test.h"

#include <sys/stat.h>

#include "base/file.h"
#include "cli/npz.h"

static struct arena *arena;
static char folder[4096];
static struct adze_error error;

static const char *in_folder(const char *name) {
  return arena_printf(arena, "%s/%s", folder, name);
}

static const char *in_corpus(const char *name) {
  return arena_printf(arena, "%s/tests/corpus/npz/%s", ADZE_SOURCE_DIR, name);
}

/* An array of each type: element i holds i - 1, but no negative numbers where
 * there are none. */
static size_t make_arrays(struct array *arrays) {
  static const struct {
    enum adze_dtype dtype;
    const char *name;
  } rows[] = {
#define X(name, number, bytes, kind, text) {ADZE_##name, text},
      ADZE_DTYPE_LIST(X)
#undef X
  };
  for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
    arrays[i] = (struct array){.name = rows[i].name,
                               .dtype = rows[i].dtype,
                               .rank = 2,
                               .dims = {2, 3}};
    assert_true(array_measure(&arrays[i]));
    array_allocate(arena, &arrays[i]);
    for (size_t j = 0; j < 6; j++)
      array_set(&arrays[i], j, (double)j - 1);
  }
  return ARRAY_COUNT(rows);
}

static void comes_back(void **state) {
  struct array arrays[32];
  struct npz *npz;
  const char *path = in_folder("back.npz");
  (void)state;
  size_t count = make_arrays(arrays);
  arrays[count++] = (struct array){
      .name = "no elements/é", .dtype = ADZE_F32, .rank = 3, .dims = {4, 0, 2}};
  arrays[count] = (struct array){.name = "scalar", .dtype = ADZE_F64};
  assert_true(array_measure(&arrays[count]));
  array_allocate(arena, &arrays[count++]);
  assert_ok(npz_write(arena, path, arrays, count, &error), error);
  assert_ok(npz_open(arena, path, &npz, &error), error);
  assert_int_equal(npz_count(npz), count);
  for (size_t i = 0; i < count; i++) {
    struct array back = *npz_array(npz, i);
    assert_int_equal(npz_find(npz, arrays[i].name), i);
    assert_int_equal(back.dtype, arrays[i].dtype);
    assert_int_equal(back.rank, arrays[i].rank);
    assert_memory_equal(back.dims, arrays[i].dims, sizeof back.dims);
    array_allocate(arena, &back);
    assert_ok(npz_read(npz, i, back.data, &error), error);
    if (back.bytes)
      assert_memory_equal(back.data, arrays[i].data, back.bytes);
  }
  assert_int_equal(npz_find(npz, "absent"), -1);
}

static void writes_equal_bytes(void **state) {
  struct array arrays[32];
  struct file_map a, b;
  (void)state;
  size_t count = make_arrays(arrays);
  assert_ok(npz_write(arena, in_folder("a.npz"), arrays, count, &error), error);
  assert_ok(npz_write(arena, in_folder("b.npz"), arrays, count, &error), error);
  assert_ok(file_map_open(in_folder("a.npz"), &a, &error), error);
  assert_ok(file_map_open(in_folder("b.npz"), &b, &error), error);
  assert_int_equal(a.size, b.size);
  assert_memory_equal(a.data, b.data, a.size);
  file_map_close(&a);
  file_map_close(&b);
}

static void reads_numpys_orders(void **state) {
  struct npz *npz;
  (void)state;
  assert_ok(npz_open(arena, in_corpus("orders.npz"), &npz, &error), error);
  struct array f = *npz_array(npz, (size_t)npz_find(npz, "f"));
  array_allocate(arena, &f);
  assert_ok(npz_read(npz, (size_t)npz_find(npz, "f"), f.data, &error), error);
  assert_int_equal(array_count(&f), 24);
  for (size_t i = 0; i < 24; i++)
    assert_true(array_get(&f, i) == (double)i);
  struct array big = *npz_array(npz, (size_t)npz_find(npz, "big"));
  array_allocate(arena, &big);
  assert_ok(npz_read(npz, (size_t)npz_find(npz, "big"), big.data, &error),
            error);
  for (size_t i = 0; i < 4; i++)
    assert_true(array_get(&big, i) == (double)i);
  assert_ok(npz_open(arena, in_corpus("version2.npz"), &npz, &error), error);
  assert_int_equal(npz_array(npz, 0)->dims[0], 2);
}

static void names_each_damage(void **state) {
  static const struct {
    const char *name;
    enum adze_status status;
    const char *message;
  } rows[] = {
      {"no such.npz", ADZE_NOT_FOUND, "no such file"},
      {"no_zip.npz", ADZE_INVALID_DATA, "can't be read as npz"},
      {"cut.npz", ADZE_INVALID_DATA, "can't be read as npz"},
      {"bad_magic.npz", ADZE_INVALID_DATA, "magic of npy"},
      {"header_cut.npz", ADZE_INVALID_DATA, "array 'a': its header"},
      {"claims_huge.npz", ADZE_LIMIT, "larger than this machine's memory"},
      {"overflow.npz", ADZE_INVALID_DATA, "size overflows"},
      {"object.npz", ADZE_UNSUPPORTED, "type '|O'"},
      {"records.npz", ADZE_INVALID_DATA, "not a plain type"},
      {"many_dims.npz", ADZE_INVALID_DATA, "too many dimensions"},
      {"short_data.npz", ADZE_INVALID_DATA, "longer or shorter"},
      {"bzip2.npz", ADZE_UNSUPPORTED, "neither stored nor deflated"},
      {"twice.npz", ADZE_INVALID_DATA, "twice"},
  };
  (void)state;
  for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
    struct npz *npz;
    assert_fails(npz_open(arena, in_corpus(rows[i].name), &npz, &error), error,
                 rows[i].status, rows[i].message);
    assert_non_null(strstr(error.message, rows[i].name));
  }
}

/* A flipped bit anywhere in the data is found by the checksum. */
static void finds_flipped_data(void **state) {
  struct file_map map;
  const char *path = in_folder("flipped.npz");
  (void)state;
  struct array array = {
      .name = "x", .dtype = ADZE_U8, .rank = 1, .dims = {9000}};
  assert_true(array_measure(&array));
  array_allocate(arena, &array);
  memset(array.data, 0x5a, array.bytes);
  assert_ok(npz_write(arena, path, &array, 1, &error), error);
  assert_ok(file_map_open(path, &map, &error), error);
  size_t size = map.size;
  uint8_t *bytes = arena_copy(arena, map.data, size);
  file_map_close(&map);
  size_t at = 0;
  while (memcmp(bytes + at, "ZZZZZZZZ", 8) != 0)
    at++;
  for (size_t i = 0; i < array.bytes; i += 131) {
    struct npz *npz;
    bytes[at + i] ^= 1;
    assert_ok(file_write_all(path, bytes, size, &error), error);
    assert_ok(npz_open(arena, path, &npz, &error), error);
    assert_fails(npz_read(npz, 0, array.data, &error), error, ADZE_INVALID_DATA,
                 "array 'x': its data is damaged");
    bytes[at + i] ^= 1;
  }
}

static void reports_a_full_disk(void **state) {
  struct array arrays[32];
  (void)state;
  if (access("/dev/full", W_OK))
    test_skip("there is no /dev/full");
  size_t count = make_arrays(arrays);
  assert_fails(npz_write(arena, "/dev/full", arrays, count, &error), error,
               ADZE_IO, "/dev/full");
}

/* Files change hands with numpy in both directions. */
static void agrees_with_numpy(void **state) {
  struct array arrays[32];
  struct npz *npz;
  (void)state;
  if (system("python3 -c 'import numpy' >/dev/null 2>&1") != 0)
    test_skip("python3 with numpy is absent");
  size_t count = make_arrays(arrays);
  assert_ok(npz_write(arena, in_folder("to.npz"), arrays, count, &error),
            error);
  const char *script = arena_printf(
      arena,
      "python3 -c \"\n"
      "import numpy as np\n"
      "z = dict(np.load('%s'))\n"
      "del z['bfloat16']\n"
      "for name, a in z.items():\n"
      "  assert str(a.dtype) == name and a.shape == (2, 3), (name, a)\n"
      "  x = np.arange(6).reshape(2, 3) - 1.0\n"
      "  if a.dtype.kind == 'u': x = np.maximum(x, 0)\n"
      "  assert (a == x.astype(a.dtype)).all(), (name, a)\n"
      "np.savez_compressed('%s', **{k: np.asfortranarray(v) for k, v in "
      "z.items()})\n\"",
      in_folder("to.npz"), in_folder("from.npz"));
  assert_int_equal(system(script), 0);
  assert_ok(npz_open(arena, in_folder("from.npz"), &npz, &error), error);
  assert_int_equal(npz_count(npz), count - 1);
  for (size_t i = 0; i < count; i++) {
    int at = npz_find(npz, arrays[i].name);
    if (arrays[i].dtype == ADZE_BF16)
      continue;
    assert_true(at >= 0);
    struct array back = *npz_array(npz, (size_t)at);
    array_allocate(arena, &back);
    assert_ok(npz_read(npz, (size_t)at, back.data, &error), error);
    assert_memory_equal(back.data, arrays[i].data, back.bytes);
  }
}

static int set_up(void **state) {
  (void)state;
  arena = arena_create("test");
  return arena && folder_make_temporary(folder, &error) == ADZE_OK ? 0 : -1;
}

static int tear_down(void **state) {
  (void)state;
  arena_destroy(arena);
  folder_remove(folder);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(comes_back),
      cmocka_unit_test(writes_equal_bytes),
      cmocka_unit_test(reads_numpys_orders),
      cmocka_unit_test(names_each_damage),
      cmocka_unit_test(finds_flipped_data),
      cmocka_unit_test(reports_a_full_disk),
      cmocka_unit_test(agrees_with_numpy),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
