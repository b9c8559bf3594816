/* SPDX-License-Identifier: Apache-2.0 */
/* npz files through libzip: a zip archive with one member NAME.npy per array.
 *
 * The archive's directory claims each member's unpacked size; the npy header
 * says the array's. Both must agree before a byte of data is unpacked, into
 * memory that the caller sized by the array. What unpacks to more or to less
 * is damaged. The checksum is compared by libzip when a member's end is read.
 *
 * Writing builds the archive in memory and hands it to file_writer, so that a
 * full disk leaves nothing behind (libzip's own temporary file is renamed over
 * whatever stands there, devices included).
 */
#include "cli/npz.h"

#include <string.h>
#include <unistd.h>
#include <zip.h>

#include "base/file.h"
#include "base/text.h"
#include "cli/npy.h"

enum { NPZ_MAX_ARRAYS = 1 << 16 };

struct entry {
  struct npy_header *header;
  zip_uint64_t index; /* in the archive */
};

struct npz {
  struct arena *arena;
  const char *path;
  zip_t *archive;
  VEC(struct entry) entries;
};

static void release_archive(void *archive) { zip_discard(archive); }

static enum adze_status open_fail(const char *path, int code,
                                  struct adze_error *error) {
  zip_error_t detail;
  enum adze_status status = ADZE_INVALID_DATA;
  if (code == ZIP_ER_NOENT)
    return fail(error, ADZE_NOT_FOUND, "%s: no such file", path);
  if (code == ZIP_ER_OPEN || code == ZIP_ER_READ || code == ZIP_ER_SEEK)
    status = ADZE_IO;
  if (code == ZIP_ER_MEMORY)
    status = ADZE_OUT_OF_MEMORY;
  zip_error_init_with_code(&detail, code);
  fail(error, status, "%s: it can't be read as npz: %s", path,
       zip_error_strerror(&detail));
  zip_error_fini(&detail);
  return status;
}

static enum adze_status member_fail(const struct npz *npz, const char *name,
                                    enum adze_status status, const char *what,
                                    struct adze_error *error) {
  return fail(error, status, "%s: array '%s': %s", npz->path, name, what);
}

/* Reads until `size` bytes or the end; -1 on damage. */
static zip_int64_t read_fully(zip_file_t *file, void *out, size_t size) {
  size_t done = 0;
  while (done < size) {
    zip_int64_t got = zip_fread(file, (char *)out + done, size - done);
    if (got < 0)
      return -1;
    if (got == 0)
      break;
    done += (size_t)got;
  }
  return (zip_int64_t)done;
}

static enum adze_status check_member(const struct npz *npz, const char *name,
                                     const zip_stat_t *stat,
                                     struct adze_error *error) {
  const zip_uint64_t needed =
      ZIP_STAT_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
  if ((stat->valid & needed) != needed)
    return member_fail(npz, name, ADZE_INVALID_DATA,
                       "its entry in the archive is damaged", error);
  if (stat->encryption_method != ZIP_EM_NONE)
    return member_fail(npz, name, ADZE_UNSUPPORTED, "it is encrypted", error);
  if (stat->comp_method != ZIP_CM_STORE && stat->comp_method != ZIP_CM_DEFLATE)
    return member_fail(npz, name, ADZE_UNSUPPORTED,
                       "it is neither stored nor deflated", error);
  return ADZE_OK;
}

static size_t machine_memory(void) {
  long pages = sysconf(_SC_PHYS_PAGES), bytes = sysconf(_SC_PAGESIZE);
  size_t total;
  if (pages <= 0 || bytes <= 0 ||
      !size_mul((size_t)pages, (size_t)bytes, &total))
    return SIZE_MAX;
  return total;
}

static enum adze_status read_header(struct npz *npz, zip_uint64_t index,
                                    const char *name, zip_uint64_t claimed,
                                    struct npy_header *header,
                                    struct adze_error *error) {
  uint8_t start[NPY_MAX_HEADER];
  zip_file_t *file = zip_fopen_index(npz->archive, index, 0);
  if (!file)
    return member_fail(npz, name, ADZE_INVALID_DATA, zip_strerror(npz->archive),
                       error);
  zip_int64_t got = read_fully(file, start, sizeof start);
  zip_fclose(file);
  if (got < 0)
    return member_fail(npz, name, ADZE_INVALID_DATA,
                       "it can't be unpacked, the file is damaged", error);
  enum adze_status status = npy_parse(start, (size_t)got, header, error);
  if (status != ADZE_OK) {
    char prefix[512];
    snprintf(prefix, sizeof prefix, "%s: array '%s'", npz->path, name);
    return fail_prefix(error, prefix);
  }
  if (header->array.bytes > machine_memory())
    return member_fail(npz, name, ADZE_LIMIT,
                       "it is larger than this machine's memory", error);
  if (claimed != header->size + (zip_uint64_t)header->array.bytes)
    return member_fail(npz, name, ADZE_INVALID_DATA,
                       "its data is longer or shorter than its shape says",
                       error);
  return ADZE_OK;
}

static enum adze_status add_entry(struct npz *npz, zip_uint64_t index,
                                  struct adze_error *error) {
  zip_stat_t stat;
  struct npy_header header;
  zip_stat_init(&stat);
  if (zip_stat_index(npz->archive, index, 0, &stat) ||
      !(stat.valid & ZIP_STAT_NAME))
    return fail(error, ADZE_INVALID_DATA, "%s: the archive is damaged: %s",
                npz->path, zip_strerror(npz->archive));
  char *name = arena_strdup(npz->arena, stat.name);
  if (!string_ends(name, ".npy"))
    return ADZE_OK;
  name[strlen(name) - 4] = '\0';
  if (npz_find(npz, name) >= 0)
    return member_fail(npz, name, ADZE_INVALID_DATA, "it is there twice",
                       error);
  TRY(check_member(npz, name, &stat, error));
  TRY(read_header(npz, index, name, stat.size, &header, error));
  header.array.name = name;
  struct entry entry = {arena_copy(npz->arena, &header, sizeof header), index};
  vec_push(npz->arena, &npz->entries, entry);
  return ADZE_OK;
}

enum adze_status npz_open(struct arena *arena, const char *path,
                          struct npz **out, struct adze_error *error) {
  struct npz *npz = ARENA_NEW(arena, struct npz);
  int code = 0;
  npz->arena = arena;
  npz->path = arena_strdup(arena, path);
  npz->archive = zip_open(path, ZIP_RDONLY, &code);
  if (!npz->archive)
    return open_fail(path, code, error);
  arena_defer(arena, release_archive, npz->archive);
  zip_int64_t count = zip_get_num_entries(npz->archive, 0);
  if (count > NPZ_MAX_ARRAYS)
    return fail(error, ADZE_LIMIT, "%s: it holds more than %d arrays", path,
                NPZ_MAX_ARRAYS);
  for (zip_int64_t i = 0; i < count; i++)
    TRY(add_entry(npz, (zip_uint64_t)i, error));
  *out = npz;
  return ADZE_OK;
}

const char *npz_path(const struct npz *npz) { return npz->path; }
size_t npz_count(const struct npz *npz) { return npz->entries.count; }

const struct array *npz_array(const struct npz *npz, size_t index) {
  return &npz->entries.data[index].header->array;
}

int npz_find(const struct npz *npz, const char *name) {
  for (size_t i = 0; i < npz->entries.count; i++)
    if (string_equal(npz_array(npz, i)->name, name))
      return (int)i;
  return -1;
}

static enum adze_status read_data(struct npz *npz, const struct entry *entry,
                                  void *out, struct adze_error *error) {
  const struct array *array = &entry->header->array;
  uint8_t start[NPY_MAX_HEADER];
  char past;
  zip_file_t *file = zip_fopen_index(npz->archive, entry->index, 0);
  if (!file)
    return member_fail(npz, array->name, ADZE_INVALID_DATA,
                       zip_strerror(npz->archive), error);
  /* The byte past the end makes libzip compare the checksum. */
  bool whole =
      read_fully(file, start, entry->header->size) ==
          (zip_int64_t)entry->header->size &&
      read_fully(file, out, array->bytes) == (zip_int64_t)array->bytes &&
      zip_fread(file, &past, 1) == 0;
  zip_fclose(file);
  if (!whole)
    return member_fail(npz, array->name, ADZE_INVALID_DATA,
                       "its data is damaged", error);
  return ADZE_OK;
}

static void swap_bytes(uint8_t *data, size_t count, size_t width) {
  for (size_t i = 0; i < count; i++, data += width) {
    for (size_t low = 0, high = width - 1; low < high; low++, high--) {
      uint8_t byte = data[low];
      data[low] = data[high];
      data[high] = byte;
    }
  }
}

/* Copies an array whose first index runs fastest into C order, counting
 * through the target's indices. */
static void to_c_order(const struct array *array, const uint8_t *from,
                       uint8_t *to) {
  size_t width = adze_dtype_bytes(array->dtype), offset = 0;
  size_t count = array_count(array);
  int64_t position[ADZE_MAX_RANK] = {0};
  size_t stride[ADZE_MAX_RANK];
  for (int i = 0; i < array->rank; i++)
    stride[i] = i ? stride[i - 1] * (size_t)array->dims[i - 1] : 1;
  for (size_t i = 0; i < count; i++) {
    memcpy(to + i * width, from + offset * width, width);
    for (int axis = array->rank - 1; axis >= 0; axis--) {
      offset += stride[axis];
      if (++position[axis] < array->dims[axis])
        break;
      offset -= stride[axis] * (size_t)array->dims[axis];
      position[axis] = 0;
    }
  }
}

enum adze_status npz_read(struct npz *npz, size_t index, void *out,
                          struct adze_error *error) {
  const struct entry *entry = &npz->entries.data[index];
  const struct array *array = &entry->header->array;
  bool reorder = entry->header->fortran_order && array->rank > 1;
  void *raw = reorder ? arena_alloc(npz->arena, array->bytes) : out;
  TRY(read_data(npz, entry, raw, error));
  if (reorder)
    to_c_order(array, raw, out);
  if (entry->header->swapped)
    swap_bytes(out, array_count(array), adze_dtype_bytes(array->dtype));
  return ADZE_OK;
}

/* ---- Writing ------------------------------------------------------------- */

/* A member before the archive is there: libzip's objects are not held across
 * allocations of the arena, which may unwind. */
struct member {
  const char *name, *header;
  size_t header_size;
};

static struct member *make_members(struct arena *arena,
                                   const struct array *arrays, size_t count) {
  struct member *members = ARENA_ARRAY(arena, struct member, count);
  for (size_t i = 0; i < count; i++) {
    members[i].name = arena_printf(arena, "%s.npy", arrays[i].name);
    members[i].header = npy_print(arena, &arrays[i], &members[i].header_size);
  }
  return members;
}

static bool add_member(zip_t *archive, const struct member *member,
                       const struct array *array) {
  zip_buffer_fragment_t parts[2] = {
      {(zip_uint8_t *)(uintptr_t)member->header, member->header_size},
      {array->data, array->bytes},
  };
  zip_source_t *source =
      zip_source_buffer_fragment(archive, parts, array->bytes ? 2 : 1, 0);
  if (!source)
    return false;
  zip_int64_t index =
      zip_file_add(archive, member->name, source, ZIP_FL_ENC_UTF_8);
  if (index < 0) {
    zip_source_free(source);
    return false;
  }
  /* The oldest date there is, so that equal arrays give equal files. */
  return !zip_set_file_compression(archive, (zip_uint64_t)index, ZIP_CM_STORE,
                                   0) &&
         !zip_file_set_dostime(archive, (zip_uint64_t)index, 0, 33, 0);
}

static void release_source(void *source) { zip_source_free(source); }

/* The archive as bytes that `*out` reads. */
static enum adze_status build_archive(struct arena *arena,
                                      const struct array *arrays, size_t count,
                                      zip_source_t **out,
                                      struct adze_error *error) {
  const struct member *members = make_members(arena, arrays, count);
  zip_source_t *bytes = zip_source_buffer_create(NULL, 0, 0, NULL);
  if (!bytes)
    guard_out_of_memory();
  arena_defer(arena, release_source, bytes);
  zip_t *archive = zip_open_from_source(bytes, ZIP_CREATE | ZIP_TRUNCATE, NULL);
  if (!archive)
    guard_out_of_memory();
  /* The archive took the source; both it and the arena hold it now. */
  zip_source_keep(bytes);
  bool built = true;
  for (size_t i = 0; i < count && built; i++)
    built = add_member(archive, &members[i], &arrays[i]);
  if (!built || zip_close(archive)) {
    enum adze_status status =
        fail(error, ADZE_IO, "building an npz: %s", zip_strerror(archive));
    zip_discard(archive);
    return status;
  }
  *out = bytes;
  return ADZE_OK;
}

static enum adze_status copy_source(zip_source_t *source,
                                    struct file_writer *writer,
                                    struct adze_error *error) {
  char chunk[1 << 14];
  zip_int64_t got;
  while ((got = zip_source_read(source, chunk, sizeof chunk)) > 0)
    TRY(file_writer_write(writer, chunk, (size_t)got, error));
  return got < 0 ? fail(error, ADZE_IO, "reading back an npz failed") : ADZE_OK;
}

enum adze_status npz_write(struct arena *arena, const char *path,
                           const struct array *arrays, size_t count,
                           struct adze_error *error) {
  zip_source_t *source = NULL;
  struct file_writer *writer;
  TRY(build_archive(arena, arrays, count, &source, error));
  if (zip_source_open(source))
    return fail(error, ADZE_IO, "reading back an npz failed");
  enum adze_status status = file_writer_open(path, &writer, error);
  if (status == ADZE_OK) {
    status = copy_source(source, writer, error);
    if (status == ADZE_OK)
      status = file_writer_commit(writer, error);
    else
      file_writer_abandon(writer);
  }
  zip_source_close(source);
  return status;
}
