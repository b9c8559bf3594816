/* SPDX-License-Identifier: Apache-2.0 */
/* Headers of POSIX ustar archives: text fields of fixed width, numbers in
 * octal. Owner, group and time are zero, so that the same model gives the same
 * bytes whoever compiles it, and when.
 */
#include <inttypes.h>
#include <string.h>

#include "package/format.h"

struct ustar {
  char name[100], mode[8], owner[8], group[8], size[12], time[12], sum[8];
  char type, link[100], magic[6], version[2];
  char owner_name[32], group_name[32], major[8], minor[8], prefix[155], pad[12];
};
static_assert(sizeof(struct ustar) == TAR_RECORD, "a record of 512 bytes");

enum adze_status tar_header(const char *name, uint64_t bytes,
                            uint8_t out[TAR_RECORD], struct adze_error *error) {
  if (bytes >= (uint64_t)1 << 33)
    return fail(error, ADZE_LIMIT,
                "%s: %" PRIu64 " bytes; members of a package have less than "
                "8 GiB",
                name, bytes);
  struct ustar header = {.type = '0', .magic = "ustar", .version = {'0', '0'}};
  check(strlen(name) < sizeof header.name);
  strcpy(header.name, name);
  strcpy(header.mode, "0000644");
  strcpy(header.owner, "0000000");
  strcpy(header.group, "0000000");
  strcpy(header.time, "00000000000");
  snprintf(header.size, sizeof header.size, "%011" PRIo64, bytes);
  memset(header.sum, ' ', sizeof header.sum);
  unsigned sum = 0;
  for (size_t i = 0; i < sizeof header; i++)
    sum += ((const uint8_t *)&header)[i];
  snprintf(header.sum, sizeof header.sum, "%06o", sum); /* then NUL, blank */
  memcpy(out, &header, sizeof header);
  return ADZE_OK;
}
