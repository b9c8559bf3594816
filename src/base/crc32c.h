/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-32C (Castagnoli), the checksum of packages. Finds every single flipped
 * bit and every burst of up to 32 bits.
 *
 *   uint32_t crc = 0;
 *   crc = crc32c(crc, head, head_bytes);      // in pieces or at once
 *   crc = crc32c(crc, tail, tail_bytes);
 */
#ifndef BASE_CRC32C_H
#define BASE_CRC32C_H

#include "base/base.h"

uint32_t crc32c(uint32_t crc, const void *data, size_t bytes);
/* The same without the CPU's instruction; for machines that lack it. */
uint32_t crc32c_portable(uint32_t crc, const void *data, size_t bytes);

#endif
