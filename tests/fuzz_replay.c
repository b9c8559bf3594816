/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target over the files of folders, without libFuzzer.
 *
 * Every build thus replays each corpus as an ordinary test. Beside every file
 * itself, prefixes of it and copies with flipped bits go through the target,
 * made from the file's own bytes, so that the same inputs return in each run.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A copy of exactly `size` bytes, so that the address sanitizer sees reads past
 * its end. */
static void replay_bytes(const uint8_t *data, size_t size) {
  uint8_t *copy = malloc(size ? size : 1);
  if (!copy)
    abort();
  memcpy(copy, data, size);
  LLVMFuzzerTestOneInput(copy, size);
  free(copy);
}

static void replay_damaged(uint8_t *data, size_t size) {
  uint64_t state = 0x9e3779b97f4a7c15u ^ size;
  for (int i = 0; i < 16 && size > 0; i++) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    size_t at = (size_t)(state >> 33) % size;
    replay_bytes(data, at);
    data[at] ^= (uint8_t)(1u << (state >> 29 & 7));
    replay_bytes(data, size);
    data[at] ^= (uint8_t)(1u << (state >> 29 & 7));
  }
}

static int replay_file(const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file || fseek(file, 0, SEEK_END) != 0) {
    perror(path);
    return 1;
  }
  long size = ftell(file);
  rewind(file);
  uint8_t *data = malloc(size > 0 ? (size_t)size : 1);
  int failed =
      !data || size < 0 || fread(data, 1, (size_t)size, file) != (size_t)size;
  fclose(file);
  if (!failed) {
    replay_bytes(data, (size_t)size);
    replay_damaged(data, (size_t)size);
  }
  free(data);
  return failed;
}

static int replay_folder(const char *path, int *count) {
  DIR *folder = opendir(path);
  int failed = 0;
  if (!folder) {
    perror(path);
    return 1;
  }
  for (struct dirent *entry; (entry = readdir(folder));) {
    char name[4096];
    struct stat facts;
    snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
    if (stat(name, &facts) != 0 || !S_ISREG(facts.st_mode))
      continue;
    failed |= replay_file(name);
    ++*count;
  }
  closedir(folder);
  return failed;
}

int main(int argc, char **argv) {
  int count = 0, failed = 0;
  for (int i = 1; i < argc; i++) {
    struct stat facts;
    if (stat(argv[i], &facts) == 0 && S_ISREG(facts.st_mode)) {
      failed |= replay_file(argv[i]);
      count++;
    } else {
      failed |= replay_folder(argv[i], &count);
    }
  }
  printf("%d files\n", count);
  return failed || count == 0;
}
