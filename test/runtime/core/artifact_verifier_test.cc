// The table verifier: sound tables pass, every damaged one is refused or proves harmless.
#include "runtime/core/artifact_verifier.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "test/runtime/core/fake_model.h"

namespace graven::testing {
namespace {

// Follows everything in a verified table, as the rest of the core would; a sanitizer, or a crash,
// tells when verification let something through. Gives a checksum so that nothing is left out.
uint64_t walk(const graven_artifact &artifact, const graven1::Table &table) {
  uint64_t sum = 0;
  auto text = [&](graven_text t) { sum += strlen(table.text(t)) + (table.text(t)[t.bytes] == 0); };
  const graven_table_header &h = *table.header;
  text(h.model_name), text(h.signature), text(h.target), text(h.cpu_features);
  for (uint32_t i = 0; i < h.states_count; ++i) {
    text(table.states[i].name);
    EXPECT_LE(table.states[i].offset + table.states[i].tensor.bytes,
              table.states[i].role == GRAVEN_ROLE_METRIC ? h.metric_bytes : h.state_bytes);
  }
  for (uint32_t e = 0; e < h.entries_count; ++e) {
    const graven_entry_record &entry = table.entries[e];
    text(entry.name);
    EXPECT_LE(entry.arena_bytes, h.arena_bytes);
    for (uint32_t p = 0; p < entry.inputs.count; ++p)
      text(table.ports[entry.inputs.first + p].name);
    for (uint32_t p = 0; p < entry.outputs.count; ++p) {
      text(table.ports[entry.outputs.first + p].name);
    }
    for (uint32_t c = 0; c < entry.commands.count; ++c) {
      const graven_command_record &command = table.commands[entry.commands.first + c];
      if (command.kind == GRAVEN_COMMAND_LAUNCH) {
        EXPECT_LT(command.kernel, artifact.kernel_count);
        text(table.kernels[command.kernel].name);
      }
      for (uint32_t o = 0; o < command.operands.count; ++o) {
        const graven_operand_record &operand = table.operands[command.operands.first + o];
        uint64_t limit = 0;
        switch (operand.segment) {
          case GRAVEN_SEGMENT_CONSTANT:
            limit = artifact.constant_bytes;
            break;
          case GRAVEN_SEGMENT_STATE:
            limit = h.state_bytes;
            break;
          case GRAVEN_SEGMENT_METRIC:
            limit = h.metric_bytes;
            break;
          case GRAVEN_SEGMENT_ARENA:
            limit = entry.arena_bytes;
            break;
          case GRAVEN_SEGMENT_INPUT:
            EXPECT_LT(operand.slot, entry.inputs.count);
            limit = table.ports[entry.inputs.first + operand.slot].tensor.bytes;
            break;
          default:
            EXPECT_LT(operand.slot, entry.outputs.count);
            limit = table.ports[entry.outputs.first + operand.slot].tensor.bytes;
        }
        EXPECT_LE(operand.offset, limit);
        EXPECT_LE(operand.bytes, limit - operand.offset);
      }
    }
  }
  return sum;
}

graven_status verify(const TableBuilder &builder, const graven_artifact &artifact) {
  graven1::Table table;
  return graven1::verify_artifact(&artifact, &table);
}

TEST(ArtifactVerifierTest, SoundTablesPass) {
  TableBuilder affine, chain;
  build_affine_model(&affine);
  build_chain_model(&chain, 100);
  graven1::Table table;
  ASSERT_EQ(graven1::verify_artifact(affine.build(), &table), GRAVEN_OK) << graven_last_error();
  EXPECT_GT(walk(affine.artifact(), table), 0u);
  ASSERT_EQ(graven1::verify_artifact(chain.build(), &table), GRAVEN_OK) << graven_last_error();
}

TEST(ArtifactVerifierTest, EveryBitFlipIsRefusedByTheDigest) {
  TableBuilder builder;
  build_affine_model(&builder);
  builder.build();
  for (size_t bit = 0; bit < builder.words().size() * 64; ++bit) {
    builder.words()[bit / 64] ^= uint64_t{1} << bit % 64;
    EXPECT_NE(verify(builder, builder.artifact()), GRAVEN_OK) << "bit " << bit;
    EXPECT_STRNE(graven_last_error(), "");
    builder.words()[bit / 64] ^= uint64_t{1} << bit % 64;
  }
}

TEST(ArtifactVerifierTest, EveryBitFlipUnderAValidDigestIsRefusedOrHarmless) {
  TableBuilder builder;
  build_affine_model(&builder);
  builder.build();
  size_t refused = 0;
  const size_t bits = builder.words().size() * 64;
  for (size_t bit = 0; bit < bits; ++bit) {
    builder.words()[bit / 64] ^= uint64_t{1} << bit % 64;
    builder.seal();
    graven1::Table table;
    if (bit / 64 == offsetof(graven_table_header, digest) / 8) {
      // Sealing undoes this flip.
    } else if (graven1::verify_artifact(&builder.artifact(), &table) != GRAVEN_OK) {
      ++refused;
    } else {
      walk(builder.artifact(), table);
      // What passes also becomes a model and a context, or is refused with a message.
      graven_model *model = nullptr;
      if (graven_model_create(&builder.artifact(), &model) == GRAVEN_OK &&
          graven_model_table(model)->state_bytes < 1u << 20 &&
          graven_model_table(model)->arena_bytes < 1u << 20 &&
          graven_model_table(model)->metric_bytes < 1u << 20) {
        graven_context *context = nullptr;
        graven_state *state = nullptr;
        EXPECT_EQ(graven_state_create(model, &state), GRAVEN_OK);
        graven_context_create(model, nullptr, &context);
        graven_context_destroy(context);
        graven_state_destroy(state);
      }
      graven_model_destroy(model);
    }
    builder.words()[bit / 64] ^= uint64_t{1} << bit % 64;
  }
  EXPECT_GT(refused, bits / 2);
}

TEST(ArtifactVerifierTest, RandomDamageUnderAValidDigestIsRefusedOrHarmless) {
  std::mt19937_64 random(1);
  TableBuilder builder;
  build_affine_model(&builder);
  builder.build();
  const std::vector<uint64_t> sound = builder.words();
  for (int round = 0; round < 30000; ++round) {
    builder.words() = sound;
    for (int n = 1 + static_cast<int>(random() % 4); n > 0; --n) {
      // Beyond the header mostly: its first words are refused at once.
      size_t at = random() % 8 == 0 ? random() % 10 : 10 + random() % (sound.size() - 10);
      const uint64_t values[] = {0,
                                 1,
                                 UINT64_MAX,
                                 sound[random() % sound.size()],
                                 random() % 256,
                                 random(),
                                 sound[at] + (random() % 3 << 32)};
      builder.words()[at] = values[random() % 7];
    }
    builder.artifact().table = builder.words().data();
    builder.seal();
    graven1::Table table;
    if (graven1::verify_artifact(&builder.artifact(), &table) == GRAVEN_OK) {
      walk(builder.artifact(), table);
    }
  }
}

TEST(ArtifactVerifierTest, EveryTruncationIsRefused) {
  TableBuilder builder;
  build_affine_model(&builder);
  graven_artifact artifact = *builder.build();
  for (uint64_t bytes = 0; bytes < builder.artifact().table_bytes; ++bytes) {
    artifact.table_bytes = bytes;
    EXPECT_NE(verify(builder, artifact), GRAVEN_OK) << bytes;
  }
}

// One row per rule: how to break it, and what the message must say.
struct Damage {
  const char *message;
  std::function<void(TableBuilder &, graven_artifact &)> apply;
};

template <typename Record>
Record *records(TableBuilder &builder, uint32_t offset) {
  return reinterpret_cast<Record *>(reinterpret_cast<char *>(builder.words().data()) + offset);
}

#define RECORDS(type, section) records<graven_##type##_record>(b, b.header().section##_offset)
#define DAMAGE(message, code) {message, [](TableBuilder &b, graven_artifact &a) { code; }}

const Damage kDamages[] = {
    DAMAGE("magic number", a.magic = 1),
    DAMAGE("format version 9", a.format = 9),
    DAMAGE("magic number", b.header().magic = 1),
    DAMAGE("its format", b.header().format = 1),
    DAMAGE("cannot hold it", a.table = nullptr),
    DAMAGE("cannot hold it", a.table = reinterpret_cast<const char *>(a.table) + 4),
    DAMAGE("bytes of constants", a.constant_bytes -= 64),
    DAMAGE("not aligned", a.constants = reinterpret_cast<const char *>(a.constants) + 8),
    DAMAGE("kernels, the artifact has", --a.kernel_count),
    DAMAGE("more than any machine", b.header().state_bytes = UINT64_MAX),
    DAMAGE("state records", b.header().states_count = UINT32_MAX),
    DAMAGE("state records", b.header().states_offset += 4),
    DAMAGE("state records", b.header().states_offset = 0),
    DAMAGE("entries, expected", b.header().entries_count = 0),
    DAMAGE("outside the string pool", b.header().model_name.offset = UINT32_MAX),
    DAMAGE("outside the string pool", b.header().target.bytes = UINT32_MAX),
    DAMAGE("ended by a NUL", b.header().target.bytes -= 1),
    DAMAGE("has no name", RECORDS(state, states)[0].name.bytes = 0;
           RECORDS(state, states)[0].name.offset += 1),
    DAMAGE("unknown type", RECORDS(state, states)[0].tensor.dtype = 77),
    DAMAGE("rank", RECORDS(state, states)[0].tensor.rank = 9),
    DAMAGE("beyond its rank", RECORDS(state, states)[0].tensor.dims[7] = 1),
    DAMAGE("size -1", RECORDS(state, states)[0].tensor.dims[0] = -1),
    DAMAGE("shape and type give", RECORDS(state, states)[0].tensor.bytes += 4),
    DAMAGE("unknown role", RECORDS(state, states)[0].role = 5),
    DAMAGE("lies in segment", RECORDS(state, states)[0].segment = GRAVEN_SEGMENT_METRIC),
    DAMAGE("does not fit in its segment", RECORDS(state, states)[0].offset = 8),
    DAMAGE("does not fit in its segment", RECORDS(state, states)[0].offset = 1u << 30),
    DAMAGE("overlap", RECORDS(state, states)[1].offset = RECORDS(state, states)[0].offset),
    DAMAGE("two states are called 'w'",
           RECORDS(state, states)[1].name = RECORDS(state, states)[0].name),
    DAMAGE("and flags", RECORDS(port, ports)[0].flags = 8),
    DAMAGE("and flags", RECORDS(port, ports)[0].kind = 2),
    DAMAGE("counts rows", RECORDS(port, ports)[0].kind = GRAVEN_PORT_ROWS),
    DAMAGE("impossible range", RECORDS(port, ports)[3].range_lo = 9),
    DAMAGE("impossible range", RECORDS(port, ports)[0].flags |= GRAVEN_PORT_HAS_RANGE),
    DAMAGE("is batched", RECORDS(entry, entries)[1].batch = 7),
    DAMAGE("counts rows where there are none", RECORDS(entry, entries)[1].outputs.first = 4),
    DAMAGE("refers to state", RECORDS(metric, metrics)[0].numerator = 99),
    DAMAGE("no f64 scalar", RECORDS(metric, metrics)[0].denominator = 0),
    DAMAGE("has batch", RECORDS(entry, entries)[1].flags = 2),
    DAMAGE("has batch", RECORDS(entry, entries)[0].flags = GRAVEN_ENTRY_PARTIAL),
    DAMAGE("bytes of an arena", RECORDS(entry, entries)[0].arena_bytes = 1u << 20),
    DAMAGE("input ports", RECORDS(entry, entries)[1].inputs.first = 1u << 20),
    DAMAGE("commands", RECORDS(entry, entries)[1].commands.count = UINT32_MAX),
    DAMAGE("operands", RECORDS(command, commands)[0].operands.first = UINT32_MAX),
    DAMAGE("has no place", a.image = nullptr; a.image_bytes = 8),
    DAMAGE("launches kernel", RECORDS(command, commands)[0].kernel = 3),
    DAMAGE("launches kernel", RECORDS(command, commands)[0].grid = -1),
    DAMAGE("unknown kind", RECORDS(command, commands)[0].kind = 3),
    DAMAGE("unknown content", RECORDS(command, commands)[0].reserved = 1),
    DAMAGE("copies between", RECORDS(command, commands)[0].kind = GRAVEN_COMMAND_COPY),
    DAMAGE("fills something else", RECORDS(command, commands)[4].fill_byte = 256),
    DAMAGE("unknown segment", RECORDS(operand, operands)[0].segment = 6),
    DAMAGE("has slot", RECORDS(operand, operands)[0].slot = 1),
    DAMAGE("covers bytes", RECORDS(operand, operands)[0].offset = 1u << 20),
    DAMAGE("covers bytes", RECORDS(operand, operands)[0].bytes = UINT64_MAX),
    DAMAGE("impossible access", RECORDS(operand, operands)[0].access = 0),
    DAMAGE("impossible access", RECORDS(operand, operands)[1].access = GRAVEN_OPERAND_WRITE),
};

TEST(ArtifactVerifierTest, EachRuleHasItsMessage) {
  for (const Damage &damage : kDamages) {
    TableBuilder builder;
    build_affine_model(&builder);
    graven_artifact artifact = *builder.build();
    damage.apply(builder, artifact);
    builder.seal();
    EXPECT_NE(verify(builder, artifact), GRAVEN_OK) << damage.message;
    EXPECT_NE(strstr(graven_last_error(), damage.message), nullptr)
        << "expected '" << damage.message << "' in: " << graven_last_error();
    EXPECT_NE(strstr(graven_last_error(), "compile the model"), nullptr) << graven_last_error();
  }
}

TEST(ArtifactVerifierTest, AnImageStandsForFunctions) {
  auto verify_image = [](const std::function<void(TableBuilder &, graven_image_record &)> &damage) {
    TableBuilder b;
    b.image_kernel("scale", 128, 64);
    b.image(GRAVEN_IMAGE_CUBIN, 80, "bytes");
    b.image(GRAVEN_IMAGE_PTX, 80, std::string("text", 5));
    b.entry("run", 0, 0, 0);
    b.build();
    damage(b, RECORDS(image, images)[1]);
    b.seal();
    return verify(b, b.artifact());
  };
  EXPECT_EQ(verify_image([](auto &, auto &) {}), GRAVEN_OK);
  EXPECT_EQ(verify_image([](auto &, auto &image) { image.kind = 0; }), GRAVEN_CORRUPT);
  EXPECT_EQ(verify_image([](auto &, auto &image) { image.kind = 4; }), GRAVEN_CORRUPT);
  EXPECT_EQ(verify_image([](auto &, auto &image) { image.offset = 4; }), GRAVEN_CORRUPT);
  EXPECT_EQ(verify_image([](auto &, auto &image) { image.bytes = 0; }), GRAVEN_CORRUPT);
  EXPECT_EQ(verify_image([](auto &, auto &image) { image.bytes = 9; }), GRAVEN_CORRUPT);
  EXPECT_EQ(verify_image([](auto &, auto &image) { image.bytes = 4; }), GRAVEN_CORRUPT);  // no NUL
  EXPECT_EQ(verify_image([](auto &b, auto &) { b.header().images_count = 0; }), GRAVEN_CORRUPT);
}

TEST(ArtifactVerifierTest, OtherTargetsAndMissingFeaturesAreRefused) {
  TableBuilder other;
  other.target = "riscv64-unknown-linux-gnu";
  build_affine_model(&other);
  graven_model *model;
  EXPECT_EQ(graven_model_create(other.build(), &model), GRAVEN_INCOMPATIBLE);
  EXPECT_NE(strstr(graven_last_error(), "--target="), nullptr) << graven_last_error();
  EXPECT_EQ(model, nullptr);

  TableBuilder strange;
  strange.cpu_features = "quantum";
  build_affine_model(&strange);
  EXPECT_EQ(graven_model_create(strange.build(), &model), GRAVEN_INCOMPATIBLE);
  EXPECT_NE(strstr(graven_last_error(), "'quantum', which this runtime cannot test for"), nullptr)
      << graven_last_error();
#if defined(__x86_64__)
  TableBuilder baseline;
  baseline.cpu_features = "+sse2,+cx8,64bit";
  build_affine_model(&baseline);
  EXPECT_EQ(graven_model_create(baseline.build(), &model), GRAVEN_OK) << graven_last_error();
  graven_model_destroy(model);
  TableBuilder foreign;  // no CPU has both of these
  foreign.cpu_features = "sse2,xop,prefetchi";
  build_affine_model(&foreign);
  EXPECT_EQ(graven_model_create(foreign.build(), &model), GRAVEN_INCOMPATIBLE);
  EXPECT_NE(strstr(graven_last_error(), "this machine lacks"), nullptr) << graven_last_error();
  EXPECT_NE(strstr(graven_last_error(), "--cpu="), nullptr) << graven_last_error();
#endif
}

}  // namespace
}  // namespace graven::testing
