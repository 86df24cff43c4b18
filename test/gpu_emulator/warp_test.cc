// What threads do together: shuffles, votes, barriers, shared memory, atomics, copies, and what is
// found when they do it wrong.
#include <cstring>
#include <numeric>

#include "test/gpu_emulator/kernel_runner.h"
#include "test/gpu_emulator/numbers.h"

namespace graven::emulator {
namespace {

using Words = std::vector<uint32_t>;

/// Runs a kernel with one workgroup that computes the word %r1 for each of `threads` threads from
/// %r0, its number.
struct PerThread {
  Report report;
  Words words;
  PerThread(const std::string &body, unsigned threads = 32, const std::string &declarations = "",
            uint64_t seed = 0) {
    words.assign(threads, 0xabcdabcd);
    KernelRunner runner(one_kernel(1, "mov.u32 %r0, %tid.x;\n" + body + R"(
      mul.wide.u32 %rd30, %r0, 4;
      add.s64 %rd31, %rd0, %rd30;
      st.global.b32 [%rd31], %r1;)",
                                   declarations));
    runner.operand(words);
    Options options;
    options.seed = seed;
    report = runner.launch("k", {}, {threads, 1, 1}, 0, options);
  }
};

Words lanes(uint32_t (*value)(uint32_t), unsigned count = 32) {
  Words words(count);
  for (unsigned i = 0; i < count; ++i) words[i] = value(i);
  return words;
}

TEST(Shuffle, Modes) {
  const auto shuffled = [](const std::string &operands) {
    PerThread run("shfl.sync." + operands + ";");
    EXPECT_TRUE(run.report.ok()) << run.report.text();
    return run.words;
  };
  EXPECT_EQ(shuffled("bfly.b32 %r1, %r0, 5, 31, -1"), lanes([](uint32_t i) { return i ^ 5; }));
  EXPECT_EQ(shuffled("up.b32 %r1, %r0, 3, 0, -1"),
            lanes([](uint32_t i) { return i < 3 ? i : i - 3; }));
  EXPECT_EQ(shuffled("down.b32 %r1, %r0, 3, 31, -1"),
            lanes([](uint32_t i) { return i > 28 ? i : i + 3; }));
  EXPECT_EQ(shuffled("idx.b32 %r1, %r0, 7, 31, -1"), lanes([](uint32_t) { return 7u; }));
  // Segments of 8 lanes: the mask of c is 0b11000.
  EXPECT_EQ(shuffled("down.b32 %r1, %r0, 1, 0x181f, -1"),
            lanes([](uint32_t i) { return i % 8 == 7 ? i : i + 1; }));
  EXPECT_EQ(shuffled("idx.b32 %r1, %r0, 2, 0x181f, -1"),
            lanes([](uint32_t i) { return i / 8 * 8 + 2; }));
}

TEST(Shuffle, TellsWhetherTheSourceWasInRange) {
  PerThread run("shfl.sync.down.b32 %r2|%p1, %r0, 1, 31, -1;\nselp.b32 %r1, 1, 0, %p1;");
  EXPECT_TRUE(run.report.ok()) << run.report.text();
  EXPECT_EQ(run.words, lanes([](uint32_t i) { return i < 31 ? 1u : 0u; }));
}

TEST(Shuffle, MaskWithoutTheLaneItself) {
  PerThread run("shfl.sync.bfly.b32 %r1, %r0, 1, 31, 0x7fffffff;");
  ASSERT_TRUE(run.report.has(Kind::kMask)) << run.report.text();
  EXPECT_EQ(run.report.findings[0].thread[0], 31u);
}

TEST(Shuffle, MaskWithLanesThatNeverCome) {
  // Lanes 16 to 31 jump over the shuffle to a barrier.
  PerThread run(R"(
    setp.gt.u32 %p1, %r0, 15;
    @%p1 bra L;
    shfl.sync.bfly.b32 %r1, %r0, 1, 31, -1;
L:
    bar.sync 0;)");
  ASSERT_TRUE(run.report.has(Kind::kMask)) << run.report.text();
  EXPECT_NE(run.report.text().find("lanes 16-31 of the mask 0xffffffff"), std::string::npos)
      << run.report.text();
}

TEST(Shuffle, OfHalfAWarp) {
  PerThread run(R"(
    mov.b32 %r1, 99;
    setp.gt.u32 %p1, %r0, 15;
    @%p1 bra L;
    shfl.sync.bfly.b32 %r1, %r0, 1, 31, 0xffff;
L:)");
  EXPECT_TRUE(run.report.ok()) << run.report.text();
  EXPECT_EQ(run.words, lanes([](uint32_t i) { return i > 15 ? 99u : i ^ 1; }));
}

TEST(Shuffle, FromALaneThatDoesNotTakePart) {
  PerThread run(R"(
    setp.gt.u32 %p1, %r0, 15;
    @%p1 bra L;
    shfl.sync.bfly.b32 %r1, %r0, 16, 31, 0xffff;
L:)");
  EXPECT_TRUE(run.report.has(Kind::kMask)) << run.report.text();
}

TEST(Vote, AndMatchAndRedux) {
  PerThread ballot("setp.lt.u32 %p1, %r0, 5;\nvote.sync.ballot.b32 %r1, %p1, -1;");
  EXPECT_EQ(ballot.words, lanes([](uint32_t) { return 31u; })) << ballot.report.text();
  PerThread any(R"(setp.eq.u32 %p1, %r0, 5;
    vote.sync.any.pred %p2, %p1, -1;
    vote.sync.all.pred %p3, !%p1, -1;
    selp.b32 %r2, 1, 0, %p2;
    selp.b32 %r1, 2, %r2, %p3;)");
  EXPECT_EQ(any.words, lanes([](uint32_t) { return 1u; })) << any.report.text();
  PerThread match("shr.u32 %r2, %r0, 4;\nmatch.any.sync.b32 %r1, %r2, -1;");
  EXPECT_EQ(match.words, lanes([](uint32_t i) { return i < 16 ? 0xffffu : 0xffff0000u; }));
  PerThread sum("redux.sync.add.s32 %r1, %r0, -1;");
  EXPECT_EQ(sum.words, lanes([](uint32_t) { return 496u; })) << sum.report.text();
  PerThread least("sub.s32 %r2, %r0, 40;\nredux.sync.max.s32 %r1, %r2, -1;");
  EXPECT_EQ(least.words, lanes([](uint32_t) { return uint32_t(-9); }));
}

/// Writes its number to shared memory, and reads that of the neighbour.
constexpr char kNeighbour[] = R"(
    shl.b32 %r2, %r0, 2;
    mov.b32 %r3, buffer;
    add.s32 %r4, %r3, %r2;
    st.shared.b32 [%r4], %r0;
    bar.sync 0;
    xor.b32 %r5, %r2, 132;
    add.s32 %r6, %r3, %r5;
    ld.shared.b32 %r1, [%r6];)";
constexpr char kBuffer[] = ".shared .align 4 .b8 buffer[256];";

TEST(Shared, AcrossABarrier) {
  for (uint64_t seed = 0; seed < 4; ++seed) {
    PerThread run(kNeighbour, 64, kBuffer, seed);
    EXPECT_TRUE(run.report.ok()) << run.report.text();
    EXPECT_EQ(run.words, lanes([](uint32_t i) { return i ^ 33; }, 64));
  }
}

TEST(Shared, WithoutTheBarrier) {
  // Another warp has either not written yet or written without a barrier.
  bool race = false, uninitialized = false;
  for (uint64_t seed = 0; seed < 4; ++seed) {
    PerThread run(replaced(kNeighbour, "bar.sync 0;", "bar.warp.sync -1;"), 64, kBuffer, seed);
    EXPECT_FALSE(run.report.ok());
    race |= run.report.has(Kind::kRace);
    uninitialized |= run.report.has(Kind::kUninitialized);
  }
  EXPECT_TRUE(race && uninitialized);
}

TEST(Shared, WithinAWarpItsOwnBarrierIsEnough) {
  const std::string within = replaced(kNeighbour, "132", "4");
  EXPECT_TRUE(
      PerThread(replaced(within, "bar.sync 0;", "bar.warp.sync -1;"), 64, kBuffer).report.ok());
  EXPECT_FALSE(
      PerThread(replaced(within, "bar.sync 0;", "vote.sync.any.pred %p1, %p1, -1;"), 64, kBuffer)
          .report.ok());
}

TEST(Shared, BytesNeverWritten) {
  PerThread run(replaced(kNeighbour, "st.shared.b32 [%r4], %r0;", "st.shared.b16 [%r4], %rs0;"), 64,
                kBuffer);
  EXPECT_TRUE(run.report.has(Kind::kUninitialized)) << run.report.text();
}

TEST(Shared, BeyondTheVariable) {
  PerThread run(kNeighbour, 64,
                ".shared .align 4 .b8 buffer[252];\n.shared .align 4 .b8 more[64];");
  ASSERT_TRUE(run.report.has(Kind::kOutOfBounds)) << run.report.text();
  EXPECT_NE(run.report.text().find("at byte 252 of buffer, which has 252 bytes"), std::string::npos)
      << run.report.text();
}

TEST(Shared, TwoThreadsOneElement) {
  PerThread run(replaced(kNeighbour, "add.s32 %r4, %r3, %r2;",
                         "and.b32 %r4, %r2, 124;\nadd.s32 %r4, %r3, %r4;"),
                64, kBuffer);
  ASSERT_TRUE(run.report.has(Kind::kRace)) << run.report.text();
}

TEST(Shared, OverwrittenWhileOthersRead) {
  // The second half of a loop: a write after reads of the same phase.
  PerThread run(std::string(kNeighbour) + "\nst.shared.b32 [%r4], %r1;", 64, kBuffer);
  EXPECT_TRUE(run.report.has(Kind::kRace)) << run.report.text();
  PerThread good(std::string(kNeighbour) + "\nbar.sync 0;\nst.shared.b32 [%r4], %r1;", 64, kBuffer);
  EXPECT_TRUE(good.report.ok()) << good.report.text();
}

TEST(Shared, ByGenericAddresses) {
  PerThread run(R"(
    mov.b64 %rd1, buffer;
    cvta.shared.u64 %rd2, %rd1;
    mul.wide.u32 %rd3, %r0, 4;
    add.s64 %rd4, %rd2, %rd3;
    st.b32 [%rd4], %r0;
    ld.b32 %r1, [%rd4];)",
                32, kBuffer);
  EXPECT_TRUE(run.report.ok()) << run.report.text();
  EXPECT_EQ(run.words, lanes([](uint32_t i) { return i; }));
}

TEST(Barrier, Reduction) {
  PerThread run("setp.lt.u32 %p1, %r0, 40;\nbar.red.popc.u32 %r1, 0, %p1;", 64);
  EXPECT_TRUE(run.report.ok()) << run.report.text();
  EXPECT_EQ(run.words, lanes([](uint32_t) { return 40u; }, 64));
}

TEST(Barrier, ThreadsThatEndBefore) {
  PerThread run("setp.gt.u32 %p1, %r0, 31;\n@%p1 ret;\nbar.sync 0;", 64);
  ASSERT_TRUE(run.report.has(Kind::kDivergence)) << run.report.text();
  EXPECT_NE(run.report.text().find("threads 32-63 have ended"), std::string::npos)
      << run.report.text();
}

TEST(Barrier, LanesOfAWarpAtDifferentOnes) {
  PerThread run(R"(
    and.b32 %r2, %r0, 1;
    setp.eq.b32 %p1, %r2, 0;
    @%p1 bra L;
    bar.sync 0;
    bra M;
L:
    bar.sync 0;
M:)",
                64);
  EXPECT_TRUE(run.report.has(Kind::kDivergence)) << run.report.text();
}

TEST(Barrier, WarpsAtDifferentNumbers) {
  PerThread run(R"(
    setp.gt.u32 %p1, %r0, 31;
    @%p1 bra L;
    bar.sync 0;
    bra M;
L:
    bar.sync 1;
M:)",
                64);
  ASSERT_TRUE(run.report.has(Kind::kDeadlock)) << run.report.text();
  EXPECT_NE(run.report.text().find("threads 32-63 wait at bar.sync in PTX line"), std::string::npos)
      << run.report.text();
}

TEST(Barrier, OfSomeWarps) {
  PerThread run(R"(
    setp.gt.u32 %p1, %r0, 31;
    @%p1 bra L;
    bar.sync 1, 32;
L:
    mov.b32 %r1, 7;)",
                64);
  EXPECT_TRUE(run.report.ok()) << run.report.text();
}

TEST(Atomics, AreNoRaces) {
  Words counter(2, 0);
  KernelRunner runner(one_kernel(1, R"(
    atom.global.add.u32 %r1, [%rd0], 1;
    red.global.max.u32 [%rd0+4], %r1;)"));
  runner.operand(counter);
  EXPECT_TRUE(runner.launch("k", {3, 1, 1}, {64, 1, 1}).ok());
  EXPECT_EQ(counter, (Words{192, 191}));
}

TEST(Atomics, BesidePlainStoresAre) {
  Words counter(1, 0);
  KernelRunner runner(one_kernel(1, R"(
    mov.u32 %r0, %tid.x;
    setp.eq.u32 %p1, %r0, 0;
    @%p1 st.global.b32 [%rd0], 5;
    red.global.add.u32 [%rd0], 1;)"));
  runner.operand(counter);
  EXPECT_TRUE(runner.launch("k", {}, {64, 1, 1}).has(Kind::kRace));
}

TEST(Atomics, Operations) {
  struct Case {
    const char *operation;
    uint32_t before, after;
  };
  const float half = 0.5f, one = 1.0f;
  const Case cases[] = {
      {"add.u32 %r1, [%rd0], 3", 4, 7},
      {"min.s32 %r1, [%rd0], 3", uint32_t(-4), uint32_t(-4)},
      {"min.u32 %r1, [%rd0], 3", uint32_t(-4), 3},
      {"exch.b32 %r1, [%rd0], 3", 9, 3},
      {"cas.b32 %r1, [%rd0], 9, 3", 9, 3},
      {"cas.b32 %r1, [%rd0], 8, 3", 9, 9},
      {"inc.u32 %r1, [%rd0], 3", 3, 0},
      {"inc.u32 %r1, [%rd0], 3", 2, 3},
      {"dec.u32 %r1, [%rd0], 3", 0, 3},
      {"xor.b32 %r1, [%rd0], 3", 5, 6},
      {"add.f32 %r1, [%rd0], 0f3F000000", f32_to_bits(half), f32_to_bits(one)},
  };
  for (const Case &test : cases) {
    Words word(1, test.before);
    KernelRunner runner(one_kernel(1, std::string("atom.global.") + test.operation + ";"));
    runner.operand(word);
    const Report report = runner.launch("k", {}, {});
    EXPECT_TRUE(report.ok()) << report.text();
    EXPECT_EQ(word[0], test.after) << test.operation;
  }
}

/// Each thread copies 16 bytes to shared memory, waits, and writes the last word of the copy.
constexpr char kCopy[] = R"(
    mov.u32 %r0, %tid.x;
    shl.b32 %r2, %r0, 4;
    mul.wide.u32 %rd2, %r0, 16;
    add.s64 %rd3, %rd0, %rd2;
    mov.b32 %r3, buffer;
    add.s32 %r4, %r3, %r2;
    cp.async.cg.shared.global [%r4], [%rd3], 16;
    cp.async.commit_group;
    cp.async.wait_group 0;
    ld.shared.b32 %r1, [%r4+12];
    mul.wide.u32 %rd4, %r0, 4;
    add.s64 %rd5, %rd1, %rd4;
    st.global.b32 [%rd5], %r1;)";

Report copy(const std::string &body, Words *result) {
  Words source(128);
  std::iota(source.begin(), source.end(), 0);
  result->assign(32, 0);
  KernelRunner runner(one_kernel(2, body, ".shared .align 16 .b8 buffer[512];"));
  runner.operand(source).operand(*result);
  return runner.launch("k", {}, {32, 1, 1});
}

TEST(Copies, LandAtTheWait) {
  Words result;
  const Report report = copy(kCopy, &result);
  EXPECT_TRUE(report.ok()) << report.text();
  EXPECT_EQ(result, lanes([](uint32_t i) { return 4 * i + 3; }));
  EXPECT_TRUE(copy(replaced(kCopy, "wait_group 0", "wait_all"), &result).ok());
  EXPECT_TRUE(
      copy(replaced(kCopy, "wait_group 0", "wait_group 1"), &result).has(Kind::kPendingCopy));
  EXPECT_TRUE(copy(replaced(kCopy, "cp.async.commit_group;", ""), &result).has(Kind::kPendingCopy));
}

TEST(Copies, FillWithZeros) {
  Words result;
  const Report report = copy(replaced(kCopy, "[%rd3], 16;", "[%rd3], 16, 12;"), &result);
  EXPECT_TRUE(report.ok()) << report.text();
  EXPECT_EQ(result, lanes([](uint32_t) { return 0u; }));
  // Nothing is read of a source of which no byte is copied.
  EXPECT_TRUE(copy(replaced(kCopy, "[%rd3], 16;", "[%rd3+4096], 16, 0;"), &result).ok());
  EXPECT_TRUE(
      copy(replaced(kCopy, "[%rd3], 16;", "[%rd3+16], 16;"), &result).has(Kind::kOutOfBounds));
}

TEST(Copies, OfOtherThreadsNeedABarrier) {
  Words result;
  const std::string other = replaced(kCopy, "ld.shared.b32 %r1, [%r4+12];",
                                     "xor.b32 %r5, %r2, 16;\nadd.s32 %r6, %r3, %r5;\n"
                                     "BARRIER\nld.shared.b32 %r1, [%r6+12];");
  EXPECT_TRUE(copy(replaced(other, "BARRIER", "bar.sync 0;"), &result).ok());
  EXPECT_EQ(result, lanes([](uint32_t i) { return 4 * (i ^ 1) + 3; }));
  const Report report = copy(replaced(other, "BARRIER", ""), &result);
  EXPECT_FALSE(report.ok());
}

TEST(Matrices, LoadedAsRowsAndTransposed) {
  // Shared memory holds 32 rows of 8 elements; element j of row i is 8 i + j.
  const std::string body = R"(
    mov.u32 %r0, %tid.x;
    shl.b32 %r2, %r0, 4;
    mov.b32 %r3, buffer;
    add.s32 %r4, %r3, %r2;
    shl.b32 %r5, %r0, 3;
    shl.b32 %r6, %r5, 16;
    add.s32 %r6, %r6, 65536;
    or.b32 %r7, %r6, %r5;
    add.s32 %r8, %r7, 0x20002;
    add.s32 %r9, %r8, 0x20002;
    add.s32 %r10, %r9, 0x20002;
    st.shared.v4.b32 [%r4], {%r7, %r8, %r9, %r10};
    bar.warp.sync -1;
    ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r20, %r21, %r22, %r23}, [%r4];
    ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%r24, %r25}, [%r4];
    mul.wide.u32 %rd2, %r0, 32;
    add.s64 %rd3, %rd0, %rd2;
    st.global.v4.b32 [%rd3], {%r20, %r21, %r22, %r23};
    st.global.v2.b32 [%rd3+16], {%r24, %r25};)";
  std::vector<uint16_t> result(32 * 16);
  KernelRunner runner(one_kernel(1, body, ".shared .align 16 .b8 buffer[512];"));
  runner.operand(result);
  const Report report = runner.launch("k", {}, {32, 1, 1});
  ASSERT_TRUE(report.ok()) << report.text();
  for (int lane = 0; lane < 32; ++lane) {
    for (int matrix = 0; matrix < 4; ++matrix) {
      for (int half = 0; half < 2; ++half) {
        const int row = lane / 4, column = lane % 4 * 2 + half;
        EXPECT_EQ(result[lane * 16 + matrix * 2 + half], 8 * (8 * matrix + row) + column);
        if (matrix < 2) {
          EXPECT_EQ(result[lane * 16 + 8 + matrix * 2 + half], 8 * (8 * matrix + column) + row);
        }
      }
    }
  }
}

/// D = A * B + C for one mma of this shape: A[16][k], B[k][8] as numbers, in the layout of the PTX
/// ISA's figures written down a second time: element (row, column) -> lane, register, part.
template <typename Encode>
void check_product(const char *shape, const char *type, int k, int per_word, Encode &&encode) {
  const int a_words = 16 * k / 32 / per_word, b_words = 8 * k / 32 / per_word;
  std::vector<double> a(16 * k), b(k * 8), c(16 * 8);
  for (int i = 0; i < 16 * k; ++i) a[i] = (i * 37 % 29 - 14) / 4.0;
  for (int i = 0; i < k * 8; ++i) b[i] = (i * 23 % 31 - 15) / 8.0;
  for (int i = 0; i < 16 * 8; ++i) c[i] = i - 60;
  Words fragments(32 * 12), result(32 * 4);
  auto place = [&](int lane, int word, int part, double value) {
    fragments[lane * 12 + word] |= encode(value) << (per_word == 2 ? 16 * part : 0);
  };
  const int span = 4 * per_word;  // of k, in one register
  for (int row = 0; row < 16; ++row) {
    for (int j = 0; j < k; ++j) {
      const int lane = row % 8 * 4 + j % span / per_word;
      place(lane, row / 8 + 2 * (j / span), j % per_word, a[row * k + j]);
    }
    for (int column = 0; column < 8; ++column) {
      const int lane = row % 8 * 4 + column / 2;
      fragments[lane * 12 + 8 + row / 8 * 2 + column % 2] = f32_to_bits(c[row * 8 + column]);
    }
  }
  for (int j = 0; j < k; ++j) {
    for (int column = 0; column < 8; ++column) {
      place(column * 4 + j % span / per_word, 4 + j / span, j % per_word, b[j * 8 + column]);
    }
  }
  auto registers = [](int first, int count) {
    std::string text = "{";
    for (int i = 0; i < count; ++i) text += (i ? ", %r" : "%r") + std::to_string(first + i);
    return text + "}";
  };
  KernelRunner runner(one_kernel(2, R"(
    mov.u32 %r0, %tid.x;
    mul.wide.u32 %rd2, %r0, 48;
    add.s64 %rd3, %rd0, %rd2;
    ld.global.v4.b32 {%r10, %r11, %r12, %r13}, [%rd3];
    ld.global.v4.b32 {%r14, %r15, %r16, %r17}, [%rd3+16];
    ld.global.v4.b32 {%r18, %r19, %r20, %r21}, [%rd3+32];
    mma.sync.aligned.)" + std::string(shape) +
                                        ".row.col.f32." + type + "." + type + ".f32 " +
                                        registers(30, 4) + ", " + registers(10, a_words) + ", " +
                                        registers(14, b_words) + ", " + registers(18, 4) + R"(;
    mul.wide.u32 %rd4, %r0, 16;
    add.s64 %rd5, %rd1, %rd4;
    st.global.v4.b32 [%rd5], {%r30, %r31, %r32, %r33};)"));
  runner.operand(fragments).operand(result);
  const Report report = runner.launch("k", {}, {32, 1, 1});
  ASSERT_TRUE(report.ok()) << report.text();
  for (int row = 0; row < 16; ++row) {
    for (int column = 0; column < 8; ++column) {
      double sum = c[row * 8 + column];
      for (int j = 0; j < k; ++j) sum += a[row * k + j] * b[j * 8 + column];
      const int lane = row % 8 * 4 + column / 2;
      EXPECT_EQ(bits_to_f32(result[lane * 4 + row / 8 * 2 + column % 2]), sum)
          << shape << ' ' << type << ' ' << row << ' ' << column;
    }
  }
}

TEST(Matrices, Products) {
  auto f16 = [](double x) { return uint32_t{graven_emulator_f64_to_f16(x)}; };
  auto bf16 = [](double x) { return uint32_t{graven_emulator_f64_to_bf16(x)}; };
  // Bits below the 19 of tf32 are there and must not count.
  auto tf32 = [](double x) { return f32_to_bits(static_cast<float>(x)) | 0x1fff; };
  check_product("m16n8k16", "f16", 16, 2, f16);
  check_product("m16n8k16", "bf16", 16, 2, bf16);
  check_product("m16n8k8", "f16", 8, 2, f16);
  check_product("m16n8k8", "bf16", 8, 2, bf16);
  check_product("m16n8k8", "tf32", 8, 1, tf32);
  check_product("m16n8k4", "tf32", 4, 1, tf32);
}

}  // namespace
}  // namespace graven::emulator
