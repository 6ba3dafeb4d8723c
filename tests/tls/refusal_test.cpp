// SPDX-License-Identifier: BSL-1.0
#include <ajar/tls/stream.hpp>

#include <wolfssl/options.h>
#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/ed25519.h>
#include <wolfssl/wolfcrypt/rsa.h>

#include <doctest/doctest.h>
#include <ajar/core/deadline.hpp>
#include <ajar/core/task_group.hpp>
#include <ajar/net/dial.hpp>
#include <ajar/testing/manual_clock.hpp>
#include <ajar/testing/run.hpp>
#include <asio/write.hpp>
#include <initializer_list>
#include <memory>
#include <random>

#include "../seeds.hpp"

namespace refusal_test {

using namespace ajar;
using tls::stream;

namespace {

struct party {
  crypto::signing_key key = crypto::signing_key::generate();
  tls::context context{tls::make_credentials(key)};
};

struct sockets {
  net::tcp_stream hostile;
  net::tcp_stream door;
};

sockets connected(asio::io_context& context) {
  asio::ip::tcp::acceptor listener(context, {asio::ip::make_address("127.0.0.1"), 0});
  net::tcp_stream hostile(context);
  hostile.connect(listener.local_endpoint());
  sockets both{std::move(hostile), listener.accept()};
  REQUIRE(net::prepare(both.hostile).has_value());
  REQUIRE(net::prepare(both.door).has_value());
  return both;
}

// ---- the hostile side -----------------------------------------------------------------------------------------------

// Everything that still comes; it ends where the server has closed its socket.
awaitable<void> read_to_end(net::tcp_stream& from, bytes& got) {
  std::array<std::uint8_t, 512> room{};
  for (;;) {
    auto [error, count] = co_await from.async_read_some(asio::buffer(room), use_values);
    if (error) co_return;
    got.insert(got.end(), room.begin(), room.begin() + static_cast<std::ptrdiff_t>(count));
  }
}

awaitable<void> blurt(net::tcp_stream& to, bytes what, bytes& got) {
  auto [error, count] = co_await asio::async_write(to, asio::buffer(what), use_values);
  (void)count;
  CHECK_MESSAGE((!error || what.size() > 10'000), "only a long text may find the socket closed");
  auto rest = read_to_end(to, got);
  co_await std::move(rest);
}

// An octet now and then: never silent for long, and never done.
awaitable<void> drip(net::tcp_stream& to, bytes what, std::chrono::seconds each, bytes& got) {
  for (const auto& octet : what) {
    auto [error, count] = co_await to.async_write_some(asio::buffer(&octet, 1), use_values);
    if (error || count != 1) break;
    auto rested = co_await sleep_until(clock::now() + each);
    if (!rested) break;
  }
  auto rest = read_to_end(to, got);
  co_await std::move(rest);
}

struct certified {
  bytes chain;
  bytes key;
};

// A TLS 1.3 client as others write it: it accepts any server, and shows and names what it is told to.
class stranger {
 public:
  stranger(net::tcp_stream& below, const std::string& alpn)
      : below_(below), context_(wolfSSL_CTX_new(wolfTLSv1_3_client_method())), alpn_(alpn) {
    wolfSSL_CTX_set_verify(context_.get(), WOLFSSL_VERIFY_NONE, nullptr);
  }

  stranger& show(const certified& what) {
    REQUIRE(wolfSSL_CTX_use_certificate_chain_buffer_format(context_.get(), what.chain.data(),
                                                            static_cast<long>(what.chain.size()),
                                                            WOLFSSL_FILETYPE_ASN1) == WOLFSSL_SUCCESS);
    REQUIRE(wolfSSL_CTX_use_PrivateKey_buffer(context_.get(), what.key.data(), static_cast<long>(what.key.size()),
                                              WOLFSSL_FILETYPE_ASN1) == WOLFSSL_SUCCESS);
    return *this;
  }

  // True when there is nothing to wait for any more.
  bool step() {
    if (!tls_) {
      tls_.reset(wolfSSL_new(context_.get()));
      wolfSSL_SSLSetIORecv(tls_.get(), &stranger::receive);
      wolfSSL_SSLSetIOSend(tls_.get(), &stranger::send);
      wolfSSL_SetIOReadCtx(tls_.get(), &below_);
      wolfSSL_SetIOWriteCtx(tls_.get(), &below_);
      wolfSSL_UseKeyShare(tls_.get(), WOLFSSL_ECC_X25519);
      if (!alpn_.empty()) {
        wolfSSL_UseALPN(tls_.get(), alpn_.data(), static_cast<unsigned>(alpn_.size()),
                        WOLFSSL_ALPN_CONTINUE_ON_MISMATCH);
      }
    }
    const int done = wolfSSL_connect(tls_.get());
    return done == WOLFSSL_SUCCESS || wolfSSL_get_error(tls_.get(), done) != WOLFSSL_ERROR_WANT_READ;
  }

  net::tcp_stream& below() { return below_; }

 private:
  static int receive(WOLFSSL*, char* into, int size, void* below) {
    std::error_code error;
    const auto count =
        static_cast<net::tcp_stream*>(below)->read_some(asio::buffer(into, static_cast<std::size_t>(size)), error);
    if (error == asio::error::would_block) return WOLFSSL_CBIO_ERR_WANT_READ;
    return error ? WOLFSSL_CBIO_ERR_CONN_CLOSE : static_cast<int>(count);
  }
  static int send(WOLFSSL*, char* from, int size, void* below) {
    std::error_code error;
    const auto count =
        static_cast<net::tcp_stream*>(below)->write_some(asio::buffer(from, static_cast<std::size_t>(size)), error);
    return error ? WOLFSSL_CBIO_ERR_CONN_CLOSE : static_cast<int>(count);
  }

  struct release {
    void operator()(WOLFSSL_CTX* context) const noexcept { wolfSSL_CTX_free(context); }
    void operator()(WOLFSSL* tls) const noexcept { wolfSSL_free(tls); }
  };

  net::tcp_stream& below_;
  std::unique_ptr<WOLFSSL_CTX, release> context_;
  std::unique_ptr<WOLFSSL, release> tls_;
  std::string alpn_;
};

awaitable<void> intrude(stranger& one, bytes& got) {
  bool ended = one.step();
  while (!ended) {
    auto [error] = co_await one.below().async_wait(asio::socket_base::wait_read, use_values);
    if (error) co_return;
    ended = one.step();
  }
  auto rest = read_to_end(one.below(), got);
  co_await std::move(rest);
}

// ---- the door -------------------------------------------------------------------------------------------------------

awaitable<void> shake(stream& one, time_point until, result<>& into) {
  auto done = co_await one.handshake(until);
  into = done;
}

struct refusal {
  std::error_code why;
  bytes answer;  // raw octets; for a stranger those behind its own handshake
};

tls::expectation anyone() { return tls::expectation::any_key(tls::alpn::session); }

// What the server says to a hostile side, whose coroutine `act` makes; in any case the socket is closed on both ends.
template <class Act>
refusal refuse(Act act) {
  party here;
  asio::io_context context;
  auto both = connected(context);
  stream server(std::move(both.door), here.context, tls::side::server, anyone());
  refusal got;
  result<> done;
  task_group group(context.get_executor());
  group.spawn(shake(server, clock::now() + std::chrono::seconds(30), done));
  group.spawn(act(both.hostile, got.answer));
  testing::run(context, group.join());  // throws where the hostile side waits for ever: the server has not closed
  REQUIRE(!done.has_value());
  CHECK(!server.is_open());
  got.why = done.error();
  return got;
}

refusal answer_to(const bytes& what) {
  return refuse([&](net::tcp_stream& hostile, bytes& answer) { return blurt(hostile, what, answer); });
}

std::error_code verdict_on(const certified* shown, const std::string& alpn) {
  std::unique_ptr<stranger> one;
  const auto got = refuse([&](net::tcp_stream& hostile, bytes& answer) {
    one = std::make_unique<stranger>(hostile, alpn);
    if (shown) one->show(*shown);
    return intrude(*one, answer);
  });
  return got.why;
}

// ---- what it shows --------------------------------------------------------------------------------------------------

certified ours() {
  const auto made = tls::make_credentials(crypto::signing_key::generate());
  return {made.certificate, made.private_key};
}

struct generator {
  generator() { REQUIRE(wc_InitRng(&random) == 0); }
  generator(const generator&) = delete;
  generator& operator=(const generator&) = delete;
  ~generator() { wc_FreeRng(&random); }
  WC_RNG random{};
};

struct ecdsa_pair {
  explicit ecdsa_pair(generator& from) {
    wc_ecc_init(&key);
    REQUIRE(wc_ecc_make_key(&from.random, 32, &key) == 0);
  }
  ecdsa_pair(const ecdsa_pair&) = delete;
  ecdsa_pair& operator=(const ecdsa_pair&) = delete;
  ~ecdsa_pair() { wc_ecc_free(&key); }
  ecc_key key{};
};

struct ed25519_pair {
  explicit ed25519_pair(generator& from) {
    wc_ed25519_init(&key);
    REQUIRE(wc_ed25519_make_key(&from.random, 32, &key) == 0);
  }
  ed25519_pair(const ed25519_pair&) = delete;
  ed25519_pair& operator=(const ed25519_pair&) = delete;
  ~ed25519_pair() { wc_ed25519_free(&key); }
  ed25519_key key{};
};

// A certificate of `name` for one key, signed by another; by itself where no issuer is given.
bytes certificate_of(std::string_view name, const bytes* issuer, int algorithm, int key_type, void* key,
                     int signer_type, void* signer, generator& from) {
  Cert made{};
  wc_InitCert(&made);
  made.sigType = algorithm;
  made.isCA = issuer ? 0 : 1;
  made.selfSigned = issuer ? 0 : 1;
  name.copy(made.subject.commonName, sizeof made.subject.commonName - 1);
  if (issuer) REQUIRE(wc_SetIssuerBuffer(&made, issuer->data(), static_cast<int>(issuer->size())) == 0);
  bytes der(4096);
  const auto room = static_cast<word32>(der.size());
  REQUIRE(wc_MakeCert_ex(&made, der.data(), room, key_type, key, &from.random) > 0);
  const int size = wc_SignCert_ex(made.bodySz, algorithm, der.data(), room, signer_type, signer, &from.random);
  REQUIRE(size > 0);
  der.resize(static_cast<std::size_t>(size));
  return der;
}

bytes encoded(ed25519_pair& pair) {
  bytes der(256);
  const int size = wc_Ed25519PrivateKeyToDer(&pair.key, der.data(), static_cast<word32>(der.size()));
  REQUIRE(size > 0);
  der.resize(static_cast<std::size_t>(size));
  return der;
}

certified ecdsa_certified() {
  generator from;
  ecdsa_pair pair(from);
  certified made;
  made.chain = certificate_of("stranger", nullptr, CTC_SHA256wECDSA, ECC_TYPE, &pair.key, ECC_TYPE, &pair.key, from);
  made.key.resize(512);
  const int size = wc_EccKeyToDer(&pair.key, made.key.data(), static_cast<word32>(made.key.size()));
  REQUIRE(size > 0);
  made.key.resize(static_cast<std::size_t>(size));
  return made;
}

// An Ed25519 key that an authority vouches for: with one of P-256, or of the same kind; its own certificate shown or
// not.
certified authority_certified(bool ecdsa_authority, bool whole_chain) {
  generator from;
  ecdsa_pair ecdsa(from);
  ed25519_pair ed25519(from);
  ed25519_pair leaf(from);
  const int algorithm = ecdsa_authority ? int(CTC_SHA256wECDSA) : int(CTC_ED25519);
  const int type = ecdsa_authority ? int(ECC_TYPE) : int(ED25519_TYPE);
  void* const signer = ecdsa_authority ? static_cast<void*>(&ecdsa.key) : static_cast<void*>(&ed25519.key);
  const auto root = certificate_of("authority", nullptr, algorithm, type, signer, type, signer, from);
  certified made{certificate_of("leaf", &root, algorithm, ED25519_TYPE, &leaf.key, type, signer, from), encoded(leaf)};
  if (whole_chain) made.chain.insert(made.chain.end(), root.begin(), root.end());
  return made;
}

#ifndef NO_RSA
certified rsa_certified() {
  generator from;
  RsaKey pair{};
  wc_InitRsaKey(&pair, nullptr);
  REQUIRE(wc_MakeRsaKey(&pair, 2048, WC_RSA_EXPONENT, &from.random) == 0);
  certified made;
  made.chain = certificate_of("stranger", nullptr, CTC_SHA256wRSA, RSA_TYPE, &pair, RSA_TYPE, &pair, from);
  made.key.resize(4096);
  const int size = wc_RsaKeyToDer(&pair, made.key.data(), static_cast<word32>(made.key.size()));
  REQUIRE(size > 0);
  made.key.resize(static_cast<std::size_t>(size));
  wc_FreeRsaKey(&pair);
  return made;
}
#endif

// ---- what it says ---------------------------------------------------------------------------------------------------

void append(bytes& to, std::initializer_list<int> octets) {
  for (const int octet : octets) to.push_back(static_cast<std::uint8_t>(octet));
}

bytes extension(int type, std::initializer_list<int> content) {
  bytes made;
  append(made, {type >> 8, type, 0, static_cast<int>(content.size())});
  append(made, content);
  return made;
}

// A hello of TLS up to 1.`minor` - 1, in one record (RFC 5246 section 7.4.1.2, RFC 8446 section 4.2.1).
bytes hello_of(int minor, bool lists_versions) {
  bytes extensions = extension(10, {0, 4, 0, 29, 0, 23});             // groups: X25519, P-256
  const bytes signatures = extension(13, {0, 6, 8, 7, 4, 3, 8, 4});   // Ed25519, ECDSA, RSA-PSS
  const bytes protocols = extension(16, {0, 3, 2, 'h', '2'});         // ALPN
  const bytes versions = extension(43, {4, 3, minor, 3, minor - 1});  // supported_versions, without 1.3
  extensions.insert(extensions.end(), signatures.begin(), signatures.end());
  extensions.insert(extensions.end(), protocols.begin(), protocols.end());
  if (lists_versions) extensions.insert(extensions.end(), versions.begin(), versions.end());
  bytes body;
  append(body, {3, minor});
  body.insert(body.end(), 32, 0x55);                                  // random
  append(body, {0, 0, 6, 0xc0, 0x2b, 0xc0, 0x2f, 0x00, 0xff, 1, 0});  // no session, suites, no compression
  append(body, {0, static_cast<int>(extensions.size())});
  body.insert(body.end(), extensions.begin(), extensions.end());
  bytes record;
  append(record, {22, 3, 1, 0, static_cast<int>(body.size()) + 4, 1, 0, 0, static_cast<int>(body.size())});
  record.insert(record.end(), body.begin(), body.end());
  return record;
}

bytes garbage(std::size_t count, unsigned seed) {
  std::mt19937 from(seed);
  bytes made(count);
  for (auto& octet : made) octet = static_cast<std::uint8_t>(from());
  return made;
}

bytes spoken(std::string_view text) {
  const auto octets = as_bytes(text);
  return bytes(octets.begin(), octets.end());
}

}  // namespace

TEST_CASE("a client of TLS 1.2 or older is refused by version, is told so by an alert, and the door shuts") {
  const bytes protocol_version{2, 70};
  for (const int minor : {1, 2, 3}) {
    for (const bool lists_versions : {false, true}) {
      const auto got = answer_to(hello_of(minor, lists_versions));
      CHECK_MESSAGE(got.why == errc::tls_version, minor << lists_versions << got.why.message());
      REQUIRE(got.answer.size() >= 7);
      CHECK(got.answer[0] == 21);  // an alert; wolfSSL may say it twice
      CHECK((bytes(got.answer.begin() + 5, got.answer.begin() + 7) == protocol_version));
    }
  }
}

TEST_CASE("a client that shows no certificate is refused, and the door shuts") {
  CHECK(verdict_on(nullptr, "ajar-session/1") == errc::certificate_missing);
}

TEST_CASE("a client with an ECDSA key, or one that an authority vouches for, is refused, and the door shuts") {
  const auto ecdsa = ecdsa_certified();
  CHECK(verdict_on(&ecdsa, "ajar-session/1") == errc::certificate_malformed);
  for (const bool ecdsa_authority : {true, false}) {
    for (const bool whole_chain : {true, false}) {
      const auto vouched = authority_certified(ecdsa_authority, whole_chain);
      const auto why = verdict_on(&vouched, "ajar-session/1");
      CHECK_MESSAGE(why == errc::certificate_malformed, ecdsa_authority << whole_chain << why.message());
    }
  }
}

#ifndef NO_RSA  // the bundled wolfSSL has none, so a client made of it cannot show one
TEST_CASE("a client with an RSA key is refused, and the door shuts") {
  const auto rsa = rsa_certified();
  CHECK(verdict_on(&rsa, "ajar-session/1") == errc::certificate_malformed);
}
#endif

TEST_CASE("a client that names no protocol, or another one, is refused, and the door shuts") {
  const auto good = ours();
  CHECK(verdict_on(&good, "") == errc::alpn_missing);
  CHECK(verdict_on(&good, "http/1.1") == errc::alpn_mismatch);
  CHECK(verdict_on(&good, "ajar-session/2,ajar-link/1") == errc::alpn_mismatch);
  CHECK(verdict_on(&good, "ajar-session/1x") == errc::alpn_mismatch);
}

TEST_CASE("other protocols are no TLS, and the door shuts") {
  for (const std::string_view text : {"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                                      "SSH-2.0-OpenSSH_9.2\r\n", "EHLO example.org\r\n", "\x80\x2e\x01\x03\x01"}) {
    CHECK_MESSAGE(answer_to(spoken(text)).why == errc::not_tls, text);
  }
}

TEST_CASE("64 KiB of garbage are no TLS, or a handshake that fails where they begin like one, and the door shuts") {
  constexpr std::uint8_t alert = 21, handshake = 22;
  const auto begin = seed_or(0);
  for (unsigned seed = begin; seed < begin + 20; ++seed) {
    auto noise = garbage(64 * 1024, seed);
    if (noise[0] != alert && noise[0] != handshake) CHECK(answer_to(noise).why == errc::not_tls);
    for (const auto first : {alert, handshake}) {
      noise[0] = first;
      const auto why = answer_to(noise).why;
      CHECK_MESSAGE((why == errc::handshake_failed || why == errc::tls_version), seed << why.message());
    }
    noise[0] = handshake;
    noise[1] = 3;
    noise[2] = 1;
    noise[3] = 0x10;  // a record of a length that may be
    const auto why = answer_to(noise).why;
    CHECK_MESSAGE((why == errc::handshake_failed || why == errc::tls_version), seed << why.message());
  }
}

TEST_CASE("silence, half a hello and one octet a second time out at the deadline, and the door shuts") {
  constexpr std::chrono::seconds patience(10);
  const auto hello = hello_of(3, true);
  const bytes half(hello.begin(), hello.begin() + 40);
  for (const int how : {0, 1, 2}) {
    testing::manual_clock time;
    party here;
    asio::io_context context;
    auto both = connected(context);
    stream server(std::move(both.door), here.context, tls::side::server, anyone());
    const auto deadline = clock::now() + patience;
    result<> done;
    bytes answer;
    task_group group(context.get_executor());
    group.spawn(shake(server, deadline, done));
    if (how == 0) group.spawn(read_to_end(both.hostile, answer));
    if (how == 1) group.spawn(blurt(both.hostile, half, answer));
    if (how == 2) group.spawn(drip(both.hostile, hello, std::chrono::seconds(1), answer));
    time.run(context, group.join(), std::chrono::minutes(10));
    CHECK(done.error() == errc::handshake_timeout);
    CHECK(clock::now() - deadline <= std::chrono::seconds(2));
    CHECK(!server.is_open());
    CHECK(answer.empty());
  }
}

}  // namespace refusal_test
