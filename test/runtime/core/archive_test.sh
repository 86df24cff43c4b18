#!/bin/sh
# The core's archive: its size, the symbols that it needs, and the symbols that it shows.
#   archive_test.sh ARCHIVE NM SIZE LD
set -eu
archive=$1 nm=$2 size=$3 ld=$4
limit=65536  # 64 KiB of text and read-only data

# Devices beside the CPU are members of their own, which only programs that want them contain.
total=$("$size" "$archive" | awk 'NR > 1 && $6 !~ /^cuda_/ {sum += $1} END {print sum}')
devices=$("$size" "$archive" | awk 'NR > 1 && $6 ~ /^cuda_/ {sum += $1} END {print sum}')
echo "of other devices, apart: $devices bytes, limit 32768"
[ "$devices" -le 32768 ] || { echo "the devices are too large"; exit 1; }
echo "text and read-only data: $total bytes, limit $limit"
[ "$total" -le "$limit" ] || { echo "the core is too large"; exit 1; }

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$ld" -r --whole-archive "$archive" -o "$folder/core.o"

"$ld" -r -u graven1_model_create -u graven1_call -u graven1_state_create \
  -u graven1_context_create -u graven1_context_metric "$archive" -o "$folder/linked.o"
if "$nm" "$folder/linked.o" | grep -q cuda; then
  echo "a program with a linked-in model contains the device for GPUs unasked"
  exit 1
fi

# libc and pthread, and nothing of libstdc++ or libgcc.
allowed='_GLOBAL_OFFSET_TABLE_ __errno_location __sched_cpucount __tls_get_addr
calloc clock_gettime close dlclose dlerror dlopen dlsym flock free fstat fstatat fsync ftruncate
getauxval getenv madvise malloc memchr memcmp memcpy memfd_create memmove memset mmap munmap open openat
posix_memalign
pread pthread_create pthread_join pthread_sigmask realloc renameat sched_getaffinity sched_yield sigfillset
snprintf strcmp strcspn strerror_r strlen strncmp strnlen strrchr syscall sysconf unlinkat vsnprintf
write'
failed=0
for symbol in $("$nm" -u "$folder/core.o" | awk '{print $NF}'); do
  case " $(echo $allowed) " in
    *" $symbol "*) ;;
    *) echo "not allowed: $symbol"; failed=1 ;;
  esac
done

# Every global symbol carries the ABI version, so that unequal cores can share a program.
for symbol in $("$nm" -g --defined-only "$folder/core.o" | awk '{print $NF}'); do
  case $symbol in
    graven1_* | _ZN*7graven1* | _ZNK*7graven1* | _ZTW* | _ZTH*) ;;
    *) echo "without the ABI version: $symbol"; failed=1 ;;
  esac
done
exit $failed
