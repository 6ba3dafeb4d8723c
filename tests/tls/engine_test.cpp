// SPDX-License-Identifier: BSL-1.0
#include <ajar/tls/engine.hpp>

#include <wolfssl/options.h>
#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/ecc.h>

#include <doctest/doctest.h>
#include <malloc.h>
#include <algorithm>
#include <deque>

namespace engine_test {

using namespace ajar;
using tls::engine;
using tls::expectation;
using tls::side;

namespace {

// Two mailboxes: what one end sends the other receives.
class mailbox final : public tls::octet_source_and_sink {
 public:
  std::size_t receive(std::span<std::uint8_t> into, std::error_code& error) override {
    if (in.empty()) {
      error = ended ? asio::error::make_error_code(asio::error::eof)
                    : asio::error::make_error_code(asio::error::would_block);
      return 0;
    }
    const auto count = std::min({into.size(), in.size(), most});
    std::copy_n(in.begin(), count, into.begin());
    in.erase(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(count));
    return count;
  }
  std::size_t send(bytes_view from, std::error_code& error) override {
    ++sends;
    if (broken) error = asio::error::broken_pipe;
    if (full) error = asio::error::would_block;
    if (error) return 0;
    const auto count = std::min({from.size(), most, once});
    if (once != whole) full = (once -= count) == 0;
    auto& target = other ? other->in : in;
    target.insert(target.end(), from.begin(), from.begin() + static_cast<std::ptrdiff_t>(count));
    return count;
  }

  std::deque<std::uint8_t> in;
  mailbox* other = nullptr;
  static constexpr std::size_t whole = std::size_t(-1);
  std::size_t most = 1 << 20;
  std::size_t once = whole;  // so many more octets, then it is full
  std::size_t sends = 0;
  bool ended = false;
  bool full = false;
  bool broken = false;
};

struct party {
  crypto::signing_key key = crypto::signing_key::generate();
  tls::context context{tls::make_credentials(key)};
};

struct wire {
  wire() {
    client.other = &server;
    server.other = &client;
  }
  mailbox client;
  mailbox server;
};

struct outcome {
  result<> client = fail(errc::would_block);
  result<> server = fail(errc::would_block);
};

template <class Engine>
void step(Engine& one, mailbox& below, result<>& into) {
  if (!into && into.error() == errc::would_block) into = one.handshake(below);
}

template <class Client, class Server>
outcome shake(Client& client, Server& server, wire& between) {
  outcome got;
  for (int round = 0; round < 2000; ++round) {
    step(client, between.client, got.client);
    step(server, between.server, got.server);
  }
  return got;
}

// A TLS client as a stranger would write it, on wolfSSL itself.
class stranger {
 public:
  explicit stranger(std::string alpn = "ajar-session/1") : context_(wolfSSL_CTX_new(wolfTLSv1_3_client_method())) {
    wolfSSL_CTX_set_verify(context_, WOLFSSL_VERIFY_NONE, nullptr);
    alpn_ = std::move(alpn);
  }
  stranger(const stranger&) = delete;
  stranger& operator=(const stranger&) = delete;
  ~stranger() {
    wolfSSL_free(tls_);
    wolfSSL_CTX_free(context_);
  }

  void show(const bytes& chain_der, const bytes& key_der) {
    REQUIRE(wolfSSL_CTX_use_certificate_chain_buffer_format(context_, chain_der.data(),
                                                            static_cast<long>(chain_der.size()),
                                                            WOLFSSL_FILETYPE_ASN1) == WOLFSSL_SUCCESS);
    REQUIRE(wolfSSL_CTX_use_PrivateKey_buffer(context_, key_der.data(), static_cast<long>(key_der.size()),
                                              WOLFSSL_FILETYPE_ASN1) == WOLFSSL_SUCCESS);
  }

  result<> handshake(mailbox& below) {
    if (!tls_) {
      tls_ = wolfSSL_new(context_);
      wolfSSL_SSLSetIORecv(tls_, &stranger::receive);
      wolfSSL_SSLSetIOSend(tls_, &stranger::send);
      wolfSSL_UseKeyShare(tls_, WOLFSSL_ECC_X25519);
      if (!alpn_.empty()) {
        wolfSSL_UseALPN(tls_, alpn_.data(), static_cast<unsigned>(alpn_.size()), WOLFSSL_ALPN_CONTINUE_ON_MISMATCH);
      }
    }
    wolfSSL_SetIOReadCtx(tls_, &below);
    wolfSSL_SetIOWriteCtx(tls_, &below);
    if (wolfSSL_connect(tls_) == WOLFSSL_SUCCESS) return {};
    const int cause = wolfSSL_get_error(tls_, 0);
    return fail(cause == WOLFSSL_ERROR_WANT_READ ? errc::would_block : errc::handshake_failed);
  }

 private:
  static int receive(WOLFSSL*, char* into, int size, void* below) {
    std::error_code error;
    const auto count = static_cast<mailbox*>(below)->receive(
        {reinterpret_cast<std::uint8_t*>(into), static_cast<std::size_t>(size)}, error);
    return error ? WOLFSSL_CBIO_ERR_WANT_READ : static_cast<int>(count);
  }
  static int send(WOLFSSL*, char* from, int size, void* below) {
    std::error_code error;
    static_cast<mailbox*>(below)->send({reinterpret_cast<const std::uint8_t*>(from), static_cast<std::size_t>(size)},
                                       error);
    return size;
  }

  WOLFSSL_CTX* context_;
  WOLFSSL* tls_ = nullptr;
  std::string alpn_;
};

// A certificate and key of the kind that the rest of the world uses: ECDSA on P-256.
std::pair<bytes, bytes> foreign_credentials() {
  WC_RNG random{};
  ecc_key key{};
  Cert certificate{};
  bytes der(2048);
  bytes key_der(512);
  REQUIRE(wc_InitRng(&random) == 0);
  wc_ecc_init(&key);
  REQUIRE(wc_ecc_make_key(&random, 32, &key) == 0);
  wc_InitCert(&certificate);
  certificate.sigType = CTC_SHA256wECDSA;
  certificate.selfSigned = 1;
  std::string_view("stranger").copy(certificate.subject.commonName, 20);
  const auto room = static_cast<word32>(der.size());
  REQUIRE(wc_MakeCert_ex(&certificate, der.data(), room, ECC_TYPE, &key, &random) > 0);
  const int size = wc_SignCert_ex(certificate.bodySz, certificate.sigType, der.data(), room, ECC_TYPE, &key, &random);
  REQUIRE(size > 0);
  der.resize(static_cast<std::size_t>(size));
  const int key_size = wc_EccKeyToDer(&key, key_der.data(), static_cast<word32>(key_der.size()));
  REQUIRE(key_size > 0);
  key_der.resize(static_cast<std::size_t>(key_size));
  wc_ecc_free(&key);
  wc_FreeRng(&random);
  return {der, key_der};
}

// The hello of a client that knows TLS 1.2 at most: no supported_versions in it.
bytes old_hello() {
  const auto append = [](bytes& to, std::initializer_list<int> octets) {
    for (const int octet : octets) to.push_back(static_cast<std::uint8_t>(octet));
  };
  bytes body;
  append(body, {3, 3});
  body.insert(body.end(), 32, 0x55);                      // random
  append(body, {0, 0, 4, 0xc0, 0x2b, 0x00, 0xff, 1, 0});  // no session, two suites, no compression
  append(body, {0, 18, 0, 10, 0, 4, 0, 2, 0, 29});        // extensions: groups
  append(body, {0, 13, 0, 6, 0, 4, 8, 7, 4, 3});          // signature algorithms
  bytes record;
  append(record, {22, 3, 1, 0, static_cast<int>(body.size()) + 4, 1, 0, 0, static_cast<int>(body.size())});
  record.insert(record.end(), body.begin(), body.end());
  return record;
}

struct fixture {
  party here;
  party there;
  wire between;
  engine client{here.context, side::client, expectation::key(there.key.public_part(), tls::alpn::session)};
  engine server{there.context, side::server, expectation::key(here.key.public_part(), tls::alpn::session)};
};

std::size_t heap() {
  const auto all = ::mallinfo2();
  return all.uordblks + all.hblkhd;
}

bytes_view text_of(std::string_view text) { return as_bytes(text); }

}  // namespace

TEST_CASE("two engines shake hands, octet by octet or at once, in one send a flight") {
  for (const std::size_t most : {std::size_t(1), std::size_t(7), std::size_t(1) << 20}) {
    fixture two;
    two.between.client.most = two.between.server.most = most;
    const auto got = shake(two.client, two.server, two.between);
    REQUIRE(got.client.has_value());
    REQUIRE(got.server.has_value());
    CHECK(two.client.peer_key() == two.there.key.public_part());
    CHECK(two.server.peer_key() == two.here.key.public_part());
    CHECK(two.server.protocol() == "ajar-session/1");
    CHECK(crypto::equal(two.client.exporter().reveal(), two.server.exporter().reveal()));
    CHECK(!crypto::equal(two.client.exporter().reveal(), bytes(32)));
    if (most > 100'000) CHECK(two.between.client.sends + two.between.server.sends == 3);
  }
}

TEST_CASE("a client without a certificate is told apart") {
  party here;
  wire between;
  stranger bare;
  engine server(here.context, side::server, expectation::any_key(tls::alpn::session));
  CHECK(shake(bare, server, between).server.error() == errc::certificate_missing);
}

TEST_CASE("certificates of other kinds, and more than one, are malformed") {
  party here;
  party there;
  const auto [der, key_der] = foreign_credentials();
  CHECK(tls::key_in_certificate(der).error() == errc::certificate_malformed);
  {
    wire between;
    stranger other;
    other.show(der, key_der);
    engine server(here.context, side::server, expectation::any_key(tls::alpn::session));
    CHECK(shake(other, server, between).server.error() == errc::certificate_malformed);
  }
  {
    wire between;
    stranger other;
    const auto own = tls::make_credentials(there.key);
    bytes chain = own.certificate;
    chain.insert(chain.end(), der.begin(), der.end());
    other.show(chain, own.private_key);
    engine server(here.context, side::server, expectation::any_key(tls::alpn::session));
    CHECK(shake(other, server, between).server.error() == errc::certificate_malformed);
  }
}

TEST_CASE("a stranger with a certificate of ours and the right protocol is let in; with none or another it is not") {
  party here;
  party there;
  const auto own = tls::make_credentials(there.key);
  const auto result_for = [&](const std::string& alpn) {
    wire between;
    stranger other(alpn);
    other.show(own.certificate, own.private_key);
    engine server(here.context, side::server, expectation::any_key(tls::alpn::session).or_alpn(tls::alpn::probe));
    auto got = shake(other, server, between).server;
    if (got) CHECK(server.protocol() == (alpn == "x,ajar-probe/1" ? "ajar-probe/1" : alpn));
    return got;
  };
  CHECK(result_for("ajar-session/1").has_value());
  CHECK(result_for("ajar-probe/1").has_value());
  CHECK(result_for("x,ajar-probe/1").has_value());
  CHECK(result_for("").error() == errc::alpn_missing);
  CHECK(result_for("http/1.1").error() == errc::alpn_mismatch);
}

TEST_CASE("TLS 1.2 is refused as such, and what is no TLS too") {
  party here;
  const auto answer_to = [&](bytes_view octets) {
    wire between;
    engine server(here.context, side::server, expectation::any_key(tls::alpn::session));
    between.server.in.assign(octets.begin(), octets.end());
    auto done = server.handshake(between.server);
    for (int again = 0; again < 3 && done.error() == errc::would_block; ++again) {
      between.server.ended = true;
      done = server.handshake(between.server);
    }
    return done.error();
  };
  CHECK(answer_to(old_hello()) == errc::tls_version);
  CHECK(answer_to(text_of("GET / HTTP/1.1\r\n\r\n")) == errc::not_tls);
  CHECK(answer_to(text_of("SSH-2.0-OpenSSH_9.2\r\n")) == errc::not_tls);
  CHECK(answer_to(bytes(100, 0xff)) == errc::not_tls);
  CHECK(answer_to(text_of("x")) == errc::not_tls);
  CHECK(answer_to({}) == errc::truncated);
  CHECK(answer_to(bytes{22, 3, 1}) == errc::truncated);
  CHECK(answer_to(bytes{22, 3, 1, 0, 5, 99, 0, 0, 1, 0}) == errc::handshake_failed);
}

TEST_CASE("a client tells a server that is no TLS from one that ends") {
  party here;
  const auto answer_to = [&](bytes_view octets) {
    wire between;
    engine client(here.context, side::client, expectation::any_key(tls::alpn::session));
    CHECK(client.handshake(between.client).error() == errc::would_block);
    between.client.in.assign(octets.begin(), octets.end());
    between.client.ended = true;
    return client.handshake(between.client).error();
  };
  CHECK(answer_to(text_of("HTTP/1.1 400 Bad Request\r\n\r\n")) == errc::not_tls);
  CHECK(answer_to({}) == errc::truncated);
  CHECK(answer_to(bytes{21, 3, 3, 0, 2, 2, 70}) == errc::tls_version);
  CHECK(answer_to(bytes{21, 3, 3, 0, 2, 2, 40}) == errc::handshake_failed);
  CHECK(answer_to(bytes{21, 3, 3, 0, 2, 2, 120}) == errc::alpn_mismatch);
  CHECK(answer_to(bytes{21, 3, 3, 0, 2, 2, 49}) == errc::refused_by_peer);
}

TEST_CASE("a refused client reads the refusal although its own output cannot leave any more") {
  party here;
  party there;
  wire between;
  engine client(here.context, side::client, expectation::any_key(tls::alpn::session));
  engine server(there.context, side::server, expectation::key(there.key.public_part(), tls::alpn::session));
  const auto got = shake(client, server, between);
  CHECK(got.server.error() == errc::wrong_key);
  REQUIRE(got.client.has_value());
  between.client.full = true;
  CHECK(client.write(between.client, text_of("queued")).has_value());
  CHECK(client.pending_output() > 0);
  between.client.full = false;
  between.client.broken = true;
  bytes room(10);
  CHECK(client.read(between.client, room).error() == errc::refused_by_peer);
}

TEST_CASE("what the transport refuses is queued, and ends the connection when it is too much") {
  fixture two;
  shake(two.client, two.server, two.between);
  two.between.client.full = true;
  const bytes much(100'000, 7);
  REQUIRE(two.client.write(two.between.client, much).has_value());
  CHECK(two.client.pending_output() > much.size());
  CHECK(two.client.flush(two.between.client).has_value());
  two.between.client.full = false;
  CHECK(two.client.flush(two.between.client).has_value());
  CHECK(two.client.pending_output() == 0);
  bytes room(much.size() + 1);
  std::size_t total = 0;
  while (auto count = two.server.read(two.between.server, std::span(room).subspan(total))) total += *count;
  room.resize(total);
  CHECK((room == much));
  two.between.client.full = true;
  result<> taken;
  for (int i = 0; i < 20 && taken; ++i) taken = two.client.write(two.between.client, much);
  CHECK(taken.error() == errc::limit_reached);
}

TEST_CASE("what is queued leaves in one piece") {
  fixture two;
  shake(two.client, two.server, two.between);
  const auto before = two.between.client.sends;
  const bytes piece(16'384, 7);
  for (int i = 0; i < 4; ++i) REQUIRE(two.client.queue(piece).has_value());
  CHECK(two.client.pending_output() > 4 * piece.size());
  CHECK(two.between.client.sends == before);
  REQUIRE(two.client.flush(two.between.client).has_value());
  CHECK(two.client.pending_output() == 0);
  CHECK(two.between.client.sends == before + 1);
  REQUIRE(two.client.write(two.between.client, bytes(40'000, 8)).has_value());
  CHECK(two.between.client.sends == before + 2);
  bytes room(200'000);
  std::size_t total = 0;
  while (auto count = two.server.read(two.between.server, std::span(room).subspan(total))) total += *count;
  CHECK(total == 4 * piece.size() + 40'000);
}

TEST_CASE("a queue that is never empty does not grow") {
  fixture two;
  shake(two.client, two.server, two.between);
  constexpr std::size_t waiting = 50'000, piece = 4'000;
  two.between.client.full = true;
  REQUIRE(two.client.write(two.between.client, bytes(waiting, 7)).has_value());
  const auto before = heap();
  bytes room(64 * 1024);
  for (int i = 0; i < 2'000; ++i) {
    REQUIRE(two.client.queue(bytes(piece, 7)).has_value());
    two.between.client.full = false;
    two.between.client.once = piece + 22;  // then it is full
    REQUIRE(two.client.flush(two.between.client).has_value());
    REQUIRE(two.client.pending_output() >= waiting);
    while (two.server.read(two.between.server, room)) {
    }
  }
  CHECK(heap() < before + 1'000'000);  // 8 MB have passed
}

TEST_CASE("one read gives all the records that are there, as far as there is room") {
  fixture two;
  shake(two.client, two.server, two.between);
  const bytes much(60'000, 7);
  bytes room(64 * 1024);
  REQUIRE(two.client.write(two.between.client, much).has_value());
  CHECK(two.server.read(two.between.server, room).value() == much.size());
  CHECK(two.server.read(two.between.server, room).error() == errc::would_block);
  REQUIRE(two.client.write(two.between.client, much).has_value());
  CHECK(two.server.read(two.between.server, std::span(room).first(20'000)).value() == 20'000);
  CHECK(two.server.can_read());
  CHECK(two.server.read(two.between.server, room).value() == much.size() - 20'000);
  CHECK(!two.server.can_read());
}

TEST_CASE("records of a few octets are read one by one, so that their number is counted") {
  fixture two;
  shake(two.client, two.server, two.between);
  for (int i = 0; i < 3; ++i) REQUIRE(two.client.write(two.between.client, text_of("few")).has_value());
  bytes room(64 * 1024);
  for (int i = 0; i < 3; ++i) {
    CHECK(two.server.read(two.between.server, room).value() == 3);
    CHECK(two.server.can_read() == (i < 2));
  }
  CHECK(two.server.read(two.between.server, room).error() == errc::would_block);
}

TEST_CASE("part of a record is nothing to read") {
  fixture two;
  shake(two.client, two.server, two.between);
  two.between.client.most = 1'500;
  two.between.client.once = 3'000;
  REQUIRE(two.client.write(two.between.client, bytes(5'000, 7)).has_value());
  bytes room(64 * 1024);
  CHECK(two.server.read(two.between.server, room).error() == errc::would_block);
  CHECK(!two.server.can_read());
  CHECK(two.server.read(two.between.server, room).error() == errc::would_block);
}

TEST_CASE("how a connection ends is said behind the octets that came before, and again") {
  const auto end_of = [](auto&& ending) {
    fixture two;
    shake(two.client, two.server, two.between);
    REQUIRE(two.client.write(two.between.client, bytes(20'000, 7)).has_value());
    ending(two);
    bytes room(64 * 1024);
    std::size_t total = 0;
    result<std::size_t> last = 0;
    while ((last = two.server.read(two.between.server, room))) total += *last;
    CHECK(total == 20'000);
    CHECK(two.server.can_read());  // nobody waits for an end that is known
    CHECK(two.server.read(two.between.server, room).error() == last.error());
    (void)two.server.write(two.between.server, text_of("late"));
    (void)two.server.close_notify(two.between.server);
    CHECK(two.server.read(two.between.server, room).error() == last.error());
    return last.error();
  };
  CHECK(end_of([](fixture& two) { REQUIRE(two.client.close_notify(two.between.client)); }) == errc::eof);
  CHECK(end_of([](fixture& two) { two.client.part(two.between.client, errc::grant_revoked); }) == errc::grant_revoked);
  CHECK(end_of([](fixture& two) { two.between.server.ended = true; }) == errc::truncated);
  const auto spoilt = end_of([](fixture& two) {
    REQUIRE(two.client.write(two.between.client, bytes(2'000, 7)));
    two.between.server.in.back() ^= 1;
  });
  CHECK(spoilt != errc::eof);
  CHECK(spoilt != errc::would_block);
}

TEST_CASE("reading into nothing gives nothing and breaks nothing") {
  fixture two;
  shake(two.client, two.server, two.between);
  REQUIRE(two.client.write(two.between.client, text_of("x")).has_value());
  CHECK(two.server.read(two.between.server, {}).value() == 0);
  bytes room(5);
  CHECK(two.server.read(two.between.server, room).value() == 1);
  CHECK(two.server.read(two.between.server, room).error() == errc::would_block);
}

TEST_CASE("after the other side's goodbye one can still write, and a cut without one is told apart") {
  fixture two;
  shake(two.client, two.server, two.between);
  bytes room(10);
  REQUIRE(two.client.close_notify(two.between.client).has_value());
  CHECK(two.server.read(two.between.server, room).error() == errc::eof);
  CHECK(two.server.read(two.between.server, room).error() == errc::eof);
  REQUIRE(two.server.write(two.between.server, text_of("last")).has_value());
  CHECK(two.client.read(two.between.client, room).value() == 4);
  two.between.client.ended = true;
  CHECK(two.client.read(two.between.client, room).error() == errc::truncated);
}

TEST_CASE("one changed octet of a record is an error and never another text") {
  for (std::size_t at = 0; at < 30; ++at) {
    fixture two;
    shake(two.client, two.server, two.between);
    REQUIRE(two.client.write(two.between.client, text_of("the secret")).has_value());
    auto& flight = two.between.server.in;
    if (at >= flight.size()) break;
    flight[at] ^= 0x40;
    two.between.server.ended = true;
    bytes room(64);
    const auto got = two.server.read(two.between.server, room);
    CHECK(!got.has_value());
    CHECK(got.error() != errc::eof);
    CHECK(got.error() != errc::would_block);
  }
}

}  // namespace engine_test
