/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the n-th allocation fail that our own code asks for.
 *
 *   ALLOC_FAIL_AT=17 ALLOC_FAIL_LOG=counts LD_PRELOAD=./alloc_fail.so adze …
 *
 * Only calls whose return address lies in the program or in a libadze*.so
 * count, so that neither LLVM (which aborts) nor FFmpeg is tested. Counts are
 * appended to the log when the process ends; ALLOC_FAIL_AT=0 only counts.
 * The allocator below is glibc's own, under its second names.
 */
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *memory, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);

/* They stand before libc's, which hidden names would not. */
#pragma GCC visibility push(default)
void *malloc(size_t bytes);
void *calloc(size_t count, size_t bytes);
void *realloc(void *memory, size_t bytes);
void *aligned_alloc(size_t alignment, size_t bytes);
int posix_memalign(void **out, size_t alignment, size_t bytes);
void *mmap(void *address, size_t bytes, int protection, int flags, int file,
           off_t offset);
#pragma GCC visibility pop

enum { MAX_RANGES = 16 };
static struct { uintptr_t from, to; } ranges[MAX_RANGES];
static size_t range_count;
static atomic_long calls;
static long fail_at;

/* The program comes first and has an empty name. */
static int add_object(struct dl_phdr_info *info, size_t bytes, void *argument) {
  int *index = argument;
  (void)bytes;
  int ours = (*index)++ == 0 || strstr(info->dlpi_name, "/libadze");
  for (int i = 0; ours && i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
    if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_X) ||
        range_count == MAX_RANGES)
      continue;
    ranges[range_count].from = info->dlpi_addr + segment->p_vaddr;
    ranges[range_count].to =
        info->dlpi_addr + segment->p_vaddr + segment->p_memsz;
    range_count++;
  }
  return 0;
}

__attribute__((constructor)) static void start(void) {
  const char *at = getenv("ALLOC_FAIL_AT");
  int index = 0;
  fail_at = at ? atol(at) : 0;
  unsetenv("LD_PRELOAD"); /* the linker that adze calls is not ours */
  dl_iterate_phdr(add_object, &index);
}

__attribute__((destructor)) static void stop(void) {
  const char *path = getenv("ALLOC_FAIL_LOG");
  int file = path ? open(path, O_WRONLY | O_CREAT | O_APPEND, 0666) : -1;
  if (file < 0)
    return;
  char line[32];
  int size = snprintf(line, sizeof line, "%ld\n", atomic_load(&calls));
  if (write(file, line, (size_t)size) != size)
    perror(path);
  close(file);
}

static int fails(const void *caller) {
  uintptr_t address = (uintptr_t)caller;
  for (size_t i = 0; i < range_count; i++)
    if (address >= ranges[i].from && address < ranges[i].to) {
      errno = ENOMEM;
      return atomic_fetch_add(&calls, 1) + 1 == fail_at;
    }
  return 0;
}

void *malloc(size_t bytes) {
  return fails(__builtin_return_address(0)) ? NULL : __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes) {
  return fails(__builtin_return_address(0)) ? NULL
                                            : __libc_calloc(count, bytes);
}

void *realloc(void *memory, size_t bytes) {
  return fails(__builtin_return_address(0)) ? NULL
                                            : __libc_realloc(memory, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes) {
  return fails(__builtin_return_address(0)) ? NULL
                                            : __libc_memalign(alignment, bytes);
}

int posix_memalign(void **out, size_t alignment, size_t bytes) {
  if (fails(__builtin_return_address(0)))
    return ENOMEM;
  *out = __libc_memalign(alignment, bytes);
  return *out ? 0 : ENOMEM;
}

void *mmap(void *address, size_t bytes, int protection, int flags, int file,
           off_t offset) {
  if (fails(__builtin_return_address(0)))
    return MAP_FAILED;
  return (void *)syscall(SYS_mmap, address, bytes, protection, flags, file,
                         offset);
}
