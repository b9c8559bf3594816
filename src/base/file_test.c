/* SPDX-License-Identifier: Apache-2.0 */
/* Mapping, files below a folder, all-or-nothing writing, folders. Each case
 * works in a folder of its own. */
#include "test.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/file.h"

struct place {
  char folder[PATH_MAX];
};

static int enter(void **state) {
  static struct place place;
  struct adze_error error;
  memset(&place, 0, sizeof place);
  *state = &place;
  return folder_make_temporary(place.folder, &error) != ADZE_OK;
}

static int leave(void **state) {
  struct place *place = *state;
  folder_remove(place->folder);
  return access(place->folder, F_OK) == 0;
}

static const char *at(struct place *place, const char *name) {
  static char paths[8][PATH_MAX + 64];
  static size_t next;
  char *path = paths[next++ % ARRAY_COUNT(paths)];
  snprintf(path, sizeof paths[0], "%s/%s", place->folder, name);
  return path;
}

static size_t entry_count(const char *path) {
  DIR *folder = opendir(path);
  size_t count = 0;
  for (struct dirent *entry; (entry = readdir(folder));)
    count += entry->d_name[0] != '.' || strlen(entry->d_name) > 2;
  closedir(folder);
  return count;
}

static void put(const char *path, const char *text) {
  struct adze_error error;
  assert_ok(file_write_all(path, text, strlen(text), &error), error);
}

static void maps_files(void **state) {
  struct place *place = *state;
  struct adze_error error;
  struct file_map map;
  put(at(place, "a"), "hello");
  assert_ok(file_map_open(at(place, "a"), &map, &error), error);
  assert_int_equal(map.size, 5);
  assert_memory_equal(map.data, "hello", 5);
  file_map_close(&map);
  put(at(place, "empty"), "");
  assert_ok(file_map_open(at(place, "empty"), &map, &error), error);
  assert_int_equal(map.size, 0);
  file_map_close(&map);
}

static void refuses_what_is_no_file(void **state) {
  struct place *place = *state;
  struct adze_error error;
  struct file_map map;
  assert_fails(file_map_open(at(place, "none"), &map, &error), error,
               ADZE_NOT_FOUND, "none: can't open");
  assert_fails(file_map_open(place->folder, &map, &error), error, ADZE_IO,
               "is a folder");
  assert_fails(file_map_open("/dev/zero", &map, &error), error, ADZE_IO,
               "not a regular file");
  assert_int_equal(mkfifo(at(place, "pipe"), 0600), 0);
  assert_fails(file_map_open(at(place, "pipe"), &map, &error), error, ADZE_IO,
               "not a regular file");
}

static void stays_below_the_folder(void **state) {
  struct place *place = *state;
  struct adze_error error;
  struct file_map map;
  assert_ok(folder_make(at(place, "model/deep/er"), &error), error);
  put(at(place, "model/weights"), "w");
  put(at(place, "model/deep/er/more"), "mm");
  put(at(place, "secret"), "s");
  assert_int_equal(symlink("../secret", at(place, "model/link")), 0);
  assert_int_equal(symlink("deep", at(place, "model/way")), 0);
  assert_int_equal(symlink("weights", at(place, "model/inside")), 0);
  assert_int_equal(link(at(place, "secret"), at(place, "model/hard")), 0);
  const char *folder = at(place, "model");
  assert_ok(file_map_open_below(folder, "weights", &map, &error), error);
  assert_int_equal(map.size, 1);
  file_map_close(&map);
  assert_ok(file_map_open_below(folder, "./deep//er/more", &map, &error),
            error);
  assert_int_equal(map.size, 2);
  file_map_close(&map);
  const struct {
    const char *name;
    enum adze_status status;
    const char *part;
  } refused[] = {
      {"../secret", ADZE_INVALID_MODEL, ".."},
      {"deep/../../secret", ADZE_INVALID_MODEL, ".."},
      {"deep/..", ADZE_INVALID_MODEL, ".."},
      {"/etc/passwd", ADZE_INVALID_MODEL, "absolute"},
      {"", ADZE_INVALID_MODEL, "empty"},
      {"link", ADZE_INVALID_MODEL, "symbolic link"},
      {"inside", ADZE_INVALID_MODEL, "symbolic link"},
      {"hard", ADZE_INVALID_MODEL, "hard links"},
      {"absent", ADZE_NOT_FOUND, "absent"},
      {"deep", ADZE_IO, "is a folder"},
  };
  for (size_t i = 0; i < ARRAY_COUNT(refused); i++)
    assert_fails(file_map_open_below(folder, refused[i].name, &map, &error),
                 error, refused[i].status, refused[i].part);
  /* On the way, ELOOP or ENOTDIR, as the kernel likes. */
  assert_int_not_equal(file_map_open_below(folder, "way/er/more", &map, &error),
                       ADZE_OK);
}

static void a_file_appears_when_committed(void **state) {
  struct place *place = *state;
  struct adze_error error;
  struct file_writer *writer;
  struct file_map map;
  const char *path = at(place, "out");
  put(path, "before");
  assert_ok(file_writer_open(path, &writer, &error), error);
  unsigned char *large = malloc(200000);
  for (int i = 0; i < 200000; i++)
    large[i] = (unsigned char)(i * 7);
  assert_ok(file_writer_write(writer, "head", 4, &error), error);
  assert_ok(file_writer_write(writer, large, 200000, &error), error);
  assert_ok(file_writer_write(writer, "tail", 4, &error), error);
  assert_int_equal(file_writer_offset(writer), 200008);
  assert_ok(file_writer_write_at(writer, 0, "HE", 2, &error), error);
  assert_ok(file_writer_write(writer, "!", 1, &error), error);
  assert_ok(file_map_open(path, &map, &error), error);
  assert_int_equal(map.size, 6);
  file_map_close(&map);
  assert_ok(file_writer_commit(writer, &error), error);
  assert_ok(file_map_open(path, &map, &error), error);
  assert_int_equal(map.size, 200009);
  assert_memory_equal(map.data, "HEad", 4);
  assert_memory_equal(map.data + 4, large, 200000);
  assert_memory_equal(map.data + 200004, "tail!", 5);
  file_map_close(&map);
  free(large);
  assert_int_equal(entry_count(place->folder), 1);
}

static void an_abandoned_file_leaves_nothing(void **state) {
  struct place *place = *state;
  struct adze_error error;
  struct file_writer *writer;
  assert_ok(file_writer_open(at(place, "out"), &writer, &error), error);
  assert_ok(file_writer_write(writer, "x", 1, &error), error);
  file_writer_abandon(writer);
  file_writer_abandon(NULL);
  assert_int_equal(entry_count(place->folder), 0);
}

static void writing_fails_with_a_sentence(void **state) {
  struct place *place = *state;
  struct adze_error error;
  struct file_writer *writer;
  assert_fails(file_writer_open(at(place, "no/where"), &writer, &error), error,
               ADZE_IO, "no/where: can't write");
  assert_fails(file_check_writable(at(place, "no/where"), &error), error,
               ADZE_IO, "no/where: can't write");
  assert_fails(file_check_writable(place->folder, &error), error, ADZE_IO,
               "is a folder");
  assert_ok(file_check_writable(at(place, "somewhere"), &error), error);
  assert_int_equal(entry_count(place->folder), 0);
  assert_fails(file_writer_open(place->folder, &writer, &error), error, ADZE_IO,
               "is a folder");
  /* A pipe is written, not replaced; so are devices, of which this one says
   * that it is full. (The pipe comes first: a writer that replaces must not get
   * as far as the device.) */
  const char *path = at(place, "pipe");
  char read_back[4] = "";
  assert_int_equal(mkfifo(path, 0600), 0);
  int pipe = open(path, O_RDWR | O_NONBLOCK);
  assert_ok(file_write_all(path, "abc", 3, &error), error);
  assert_int_equal(read(pipe, read_back, 3), 3);
  assert_string_equal(read_back, "abc");
  close(pipe);
  assert_fails(file_write_all("/dev/full", "x", 1, &error), error, ADZE_IO,
               "No space left");
  struct stat facts;
  assert_int_equal(stat("/dev/full", &facts), 0);
  assert_true(S_ISCHR(facts.st_mode));
  assert_ok(file_write_all("/dev/null", "x", 1, &error), error);
}

static void a_link_is_followed(void **state) {
  struct place *place = *state;
  struct adze_error error;
  struct stat facts;
  put(at(place, "real"), "old");
  assert_int_equal(symlink("real", at(place, "link")), 0);
  assert_ok(file_write_all(at(place, "link"), "newer", 5, &error), error);
  assert_int_equal(lstat(at(place, "link"), &facts), 0);
  assert_true(S_ISLNK(facts.st_mode));
  assert_int_equal(stat(at(place, "real"), &facts), 0);
  assert_int_equal(facts.st_size, 5);
}

static void folders_are_made_and_removed(void **state) {
  struct place *place = *state;
  struct adze_error error;
  assert_ok(folder_make(at(place, "a//b/c"), &error), error);
  assert_ok(folder_make(at(place, "a/b/c/"), &error), error);
  put(at(place, "a/file"), "x");
  assert_fails(folder_make(at(place, "a/file/d"), &error), error, ADZE_IO,
               "can't make the folder");
  assert_fails(folder_make("", &error), error, ADZE_INVALID_ARGUMENT,
               "not a name");
  /* What a link in a removed folder points to stays. */
  assert_ok(folder_make(at(place, "kept"), &error), error);
  put(at(place, "kept/file"), "x");
  assert_int_equal(symlink("../kept", at(place, "a/link")), 0);
  folder_remove(at(place, "a"));
  assert_int_equal(entry_count(place->folder), 1);
  assert_int_equal(entry_count(at(place, "kept")), 1);
}

/* What is in them goes too; those that were removed before are forgotten. */
static void temporary_folders_end(void **state) {
  struct place *place = *state;
  struct adze_error error;
  char folders[3][PATH_MAX], before[PATH_MAX] = "";
  if (getenv("TMPDIR"))
    snprintf(before, sizeof before, "%s", getenv("TMPDIR"));
  setenv("TMPDIR", place->folder, 1);
  for (int i = 0; i < 3; i++)
    assert_ok(folder_make_temporary(folders[i], &error), error);
  folder_remove(folders[1]);
  assert_int_equal(entry_count(place->folder), 2);
  char deep[PATH_MAX + 8];
  snprintf(deep, sizeof deep, "%s/a/b", folders[2]);
  assert_ok(folder_make(deep, &error), error);
  pid_t child = fork(); /* no more can be made after it */
  if (child == 0) {
    folder_end_temporary();
    bool made = folder_make_temporary(folders[1], &error) == ADZE_OK;
    _exit(made || access(place->folder, F_OK) == 0);
  }
  int how;
  assert_int_equal(waitpid(child, &how, 0), child);
  assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 0);
  folder_remove(folders[0]);
  folder_remove(folders[2]);
  if (*before)
    setenv("TMPDIR", before, 1);
  else
    unsetenv("TMPDIR");
  /* The place itself, made when the child was, is made again. */
  assert_ok(folder_make(place->folder, &error), error);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, enter, leave)
int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(maps_files),
      CASE(temporary_folders_end),
      CASE(refuses_what_is_no_file),
      CASE(stays_below_the_folder),
      CASE(a_file_appears_when_committed),
      CASE(an_abandoned_file_leaves_nothing),
      CASE(writing_fails_with_a_sentence),
      CASE(a_link_is_followed),
      CASE(folders_are_made_and_removed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
