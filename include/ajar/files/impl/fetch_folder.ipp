// SPDX-License-Identifier: BSL-1.0
// ajar/files/impl/fetch_folder.ipp - what ajar/files/fetch_folder.hpp declares.
#pragma once

#include <ajar/files/fetch_folder.hpp>

#include <ajar/core/deadline.hpp>
#include <ajar/core/notifier.hpp>
#include <ajar/core/run_on.hpp>
#include <ajar/core/task_group.hpp>
#include <ajar/crypto/hash.hpp>
#include <ajar/net/backoff.hpp>

#include <fcntl.h>
#include <algorithm>
#include <asio/thread_pool.hpp>
#include <deque>
#include <functional>
#include <set>

namespace ajar::files {

namespace detail {

// What came of something: nothing, or why not.
using fetch_verdict = tl::expected<void, fetch_trouble>;

inline tl::unexpected<fetch_trouble> failed_there(std::error_code why) {
  return tl::unexpected<fetch_trouble>(remote_trouble(why));
}
inline tl::unexpected<fetch_trouble> failed_here(std::error_code why) {
  return tl::unexpected<fetch_trouble>(local_trouble(why));
}

inline std::string joined_path(const std::string& folder, const std::string& inside) {
  return folder.empty() ? inside : inside.empty() ? folder : folder + "/" + inside;
}

// A file to fetch.
struct fetch_job {
  destination_folder_ptr in;
  std::string name;
  share_path from;
  std::optional<file_facts> facts;  // as the listing has them
  std::string half{};               // what an attempt has left

  std::string path() const { return joined_path(in->inside(), name); }
};

using half_file_ptr = std::shared_ptr<half_file>;

// On a thread of the disk.
inline awaitable<result<>> settle(half_file_ptr half, file_time modified) {
  auto done = half->finish(modified);
  co_return done;
}

// On a thread of the disk.
inline awaitable<result<>> put_on_disk(half_file_ptr half) {
  auto done = half->sync();
  co_return done;
}

// A folder that has come, and when the one there was changed.
struct folder_time {
  std::string inside;
  file_time modified;
};

// What is in a folder here, and not in the one there any more.
struct stray_group {
  std::string inside;
  std::size_t top = 0;  // of what it is called: the fetched folder's own part
  std::vector<std::string> names;
};

// On a thread of the disk.
inline awaitable<strays_outcome> remove_on_disk(destination_folder_ptr in, std::vector<std::string> names,
                                                stray_rules how) {
  auto done = remove_strays(*in, names, how);
  co_return done;
}

// Of each source, whether what is in its folder here comes from nowhere else.
inline std::vector<bool> are_alone(const std::vector<fetch_source>& all) {
  std::vector<bool> made;
  for (const auto& one : all) {
    const auto meets = [&](const fetch_source& other) {
      return one.from.folder || other.from.folder || one.name == other.name;
    };
    made.push_back(std::ranges::count_if(all, meets) == 1);  // itself
  }
  return made;
}

// On a thread of the disk.
inline awaitable<void> set_times(std::shared_ptr<const destination> into, std::vector<folder_time> all) {
  for (const auto& one : all) into->set_time(one.inside, one.modified);
  co_return;
}

// A file here whose digest is computed.
struct digested_file {
  explicit digested_file(int opened) : file(opened) {}
  descriptor file;
  crypto::sha256 sum;
  std::uint64_t at = 0;
};

// Its next octets, on a thread of the disk. False: there are none. Who stops the fetch waits for no more than a slice.
inline awaitable<result<bool>> add_slice(std::shared_ptr<digested_file> to) {
  constexpr std::uint64_t slice = 4 * 1024 * 1024;
  bytes piece(256 * 1024);
  for (const auto end = to->at + slice; to->at < end;) {
    const auto count = ::pread(to->file.get(), piece.data(), piece.size(), static_cast<off_t>(to->at));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) co_return fail(last_error());
    if (count == 0) co_return false;
    to->sum.add(bytes_view(piece).first(static_cast<std::size_t>(count)));
    to->at += static_cast<std::uint64_t>(count);
  }
  co_return true;
}

// Shared by the one who walks and those who fetch.
class fetching {
 public:
  fetching(shared_streams over, destination into, std::shared_ptr<fetch_events> told, fetch_options how)
      : at_(std::move(over)),
        into_(std::make_shared<const destination>(std::move(into))),
        told_(std::move(told)),
        how_(std::move(how)),
        plan_(how_.retry_),
        changed_(at_->get_executor()),
        work_(at_->get_executor()),
        progress_(at_->get_executor()) {
    if (how_.disk_) return;
    threads_.emplace(4);
    how_.disk_ = threads_->get_executor();
  }

  void begin(const std::shared_ptr<fetching>& own, std::vector<fetch_source> what) {
    progress_.spawn(own, tell_progress());
    work_.spawn(own, find_all(std::move(what)));
    for (unsigned i = 0; i < how_.parallel_; ++i) work_.spawn(own, fetch_in_turn());
  }
  awaitable<void> join() {
    co_await work_.join();
    auto finishing = finish();
    co_await std::move(finishing);
    over_ = true;
    progress_.cancel();
    co_await progress_.join();
  }
  // Whatever ends the fetch ends those who work for it.
  void abandon() {
    over_ = true;
    told_.reset();
    plan_.end();
    work_.cancel();
    progress_.cancel();
  }
  const fetch_counts& counts() const noexcept { return plan_.counts(); }

 private:
  // Whether others may go on meanwhile, also where this is cancelled.
  struct restoring {
    explicit restoring(fetching& which) : of(which) { of.restoring_ = true; }
    restoring(const restoring&) = delete;
    restoring& operator=(const restoring&) = delete;
    ~restoring() {
      of.restoring_ = false;
      of.changed_.notify();
    }
    fetching& of;
  };

  // ---- what is told

  fetch_events& told() { return told_ ? *told_ : nobody_; }
  awaitable<void> tell_progress() {
    while (!over_) {
      auto slept = co_await sleep_until(clock::now() + how_.progress_every_);
      if (!slept || over_) co_return;
      told().progress(plan_.counts());
    }
  }
  void note_left_out(const std::string& path, left_out_cause why) {
    plan_.left_out();
    told().left_out(path, why);
  }
  void note_failure(fetch_failure one) {
    const bool tells = plan_.failed(one.trouble);
    if (tells) told().failed(one);
    if (plan_.ended()) changed_.notify();
  }
  void note_failed_folder(std::string path, std::error_code why) {
    listed_ = false;
    const auto slash = path.rfind('/');
    incomplete_.insert(slash == std::string::npos ? std::string() : path.substr(0, slash));
    note_failure({local_trouble(why), entry_kind::folder, std::move(path), std::nullopt});
  }
  void note_failure_there(share_path at, std::error_code why) {
    listed_ = false;
    note_failure({remote_trouble(why), entry_kind::folder, {}, std::move(at)});
  }
  void note_file(const fetch_job& job, file_came how, std::uint64_t resumed) {
    plan_.done(how, resumed);
    told().file_done({job.path(), job.facts->size, how, how_.dry_ && how != file_came::present});
  }

  // ---- sessions

  // Another session in place of one that went. One of those who have lost it connects, and the others wait. False: it
  // went for another cause, there is no other, or nothing has come for too long.
  awaitable<bool> restore(shared_streams lost, std::error_code why) {
    if (!session_went(why)) co_return false;
    while (restoring_ && at_ == lost && !plan_.ended()) {
      auto changed = co_await changed_.wait();
      if (!changed) co_return false;
    }
    if (at_ != lost) co_return true;
    const auto until = plan_.session_lost(clock::now());
    if (!until || !how_.sessions_) co_return false;
    const restoring here(*this);
    told().session_lost(why);
    net::backoff pauses(std::chrono::milliseconds(500), std::chrono::milliseconds(10'000));
    while (!plan_.ended() && clock::now() < *until) {
      auto connecting = how_.sessions_->another();
      auto made = co_await std::move(connecting);
      if (made) {
        at_ = std::move(*made);
        co_return true;
      }
      if (!how_.sessions_->may_mend(made.error())) {
        told().no_session(made.error());
        co_return false;
      }
      auto slept = co_await sleep_until(std::min(*until, clock::now() + pauses.next()));
      if (!slept) co_return false;
    }
    co_return false;
  }

  // ---- what there is to fetch

  // Hands files to those who fetch, no faster than they fetch.
  awaitable<bool> hand_out(fetch_job job) {
    constexpr std::size_t most_waiting = 64;
    while (queue_.size() >= most_waiting && !plan_.ended()) {
      auto changed = co_await changed_.wait();
      if (!changed) co_return false;
    }
    plan_.found(job.facts);
    queue_.push_back(std::move(job));
    changed_.notify();
    co_return !plan_.ended();
  }

  // What a source is, over as many sessions as it takes.
  awaitable<result<file_head>> look_over(share_path where) {
    for (;;) {
      const auto over = at_;
      file_request asked(where);
      auto found = co_await look_at(*over, std::move(asked));
      if (found) co_return found;
      auto restoring = restore(over, found.error());
      const bool restored = co_await std::move(restoring);
      if (!restored) co_return found;
    }
  }

  // The folder that a walk's entry goes to, or is. Nothing: it has been told.
  destination_folder_ptr open_folder_of(const walked& one, const std::string& into, const std::string& path) {
    auto opened = into_->folder(joined_path(into, path));
    if (opened) return std::move(*opened);
    note_failed_folder(joined_path(into, one.path), opened.error());
    return nullptr;
  }

  // What find_in_folder() is at.
  struct reading {
    std::string into;                // below the destination
    bool alone = false;              // what is there comes from nowhere else
    bool begun = false;              // a folder is being read:
    std::string path;                // which, below the source
    destination_folder_ptr in;       // what it is here
    std::set<std::string> prefixes;  // of half files of what is in it, where there are leftovers
    std::set<std::string> names;     // in it, where strays are to go

    void end() {
      begun = false;
      in.reset();
    }
    bool reads(const std::string& folder) const { return begun && path == folder; }
  };

  // The next entry was given.
  void note_entry(reading& at, const std::string& path, const std::string& name) {
    if (!at.reads(path)) {
      at.begun = true;
      at.path = path;
      at.in.reset();
      at.prefixes.clear();
      at.names.clear();
    }
    if (!at.in) at.in = into_->folder(joined_path(at.into, path)).value_or(nullptr);
    if (how_.remove_strays_) at.names.insert(name);
    if (at.in && at.in->has_leftovers()) at.prefixes.insert(half_file::prefix_of(name));
  }

  // What is done about a folder of which all was given.
  std::function<void(const std::string&)> ending(reading& at, const walk& all) {
    return [this, &at, &all](const std::string& path) {
      drop_vanished(at, path);
      note_strays(at, path);
      note_time(joined_path(at.into, path), all.modified());
      at.end();
    };
  }
  // Removes half files whose sources are gone, in folders that this fetch has made: in that of its user others may be
  // at work.
  void drop_vanished(const reading& at, const std::string& path) {
    const auto inside = joined_path(at.into, path);
    if (inside.empty() || how_.dry_) return;
    if (at.in && at.reads(path)) return at.in->drop_vanished(at.prefixes);
    const auto empty = into_->folder(inside);
    if (empty) (*empty)->drop_vanished({});
  }
  // They go when all has come.
  void note_strays(const reading& at, const std::string& path) {
    constexpr std::size_t most = 1'000'000;
    if (!how_.remove_strays_ || !at.alone || strays_noted_ >= most) return;
    const auto inside = joined_path(at.into, path);
    const bool empty = !at.reads(path);
    const auto in = empty ? into_->folder(inside).value_or(nullptr) : at.in;
    if (!in) return;
    static const std::set<std::string> none;
    auto names = strays_in(*in, empty ? none : at.names);
    if (names.empty()) return;
    strays_noted_ += names.size();
    strays_.push_back({inside, at.into.empty() ? 0 : at.into.size() + 1, std::move(names)});
  }
  // It is set when nothing comes into that folder any more. The destination itself is its user's, who has put other
  // things there too.
  void note_time(std::string inside, const std::optional<file_time>& modified) {
    constexpr std::size_t most = 1'000'000;
    if (inside.empty() || !modified || how_.dry_ || times_.size() >= most) return;
    times_.push_back({std::move(inside), *modified});
  }

  // Whether a folder there is the one here that all goes to.
  awaitable<bool> is_marked(share_path where) {
    auto looking = look_over(std::move(where));
    auto found = co_await std::move(looking);
    co_return found.has_value();
  }

  // A folder and all in it.
  // @param alone  what is there here comes from nowhere else
  awaitable<void> find_in_folder(share_path from, std::string into, bool alone) {
    auto made = into_->folder(into);
    if (!made) {
      note_failed_folder(into, made.error());
      co_return;
    }
    // what is fetched into the share itself would never end
    const auto mark = how_.dry_ ? result<destination_mark>(fail(errc::canceled)) : destination_mark::put(*made);
    const auto called = into.empty() ? into_->name() : into;
    reading at;
    at.into = std::move(into);
    at.alone = alone;
    walk all(at_, std::move(from), true);
    all.on_whole(ending(at, all));
    while (!plan_.ended()) {
      auto next = co_await all.next();
      if (!next) {
        auto restoring = restore(all.over(), next.error());
        const bool restored = co_await std::move(restoring);
        if (restored) {
          all.go_on(at_);
          continue;
        }
        note_failure_there(all.below(all.here()), next.error());
        at.end();
        continue;  // ended, unless it concerns that folder only
      }
      if (!*next) co_return;
      auto& one = **next;
      note_entry(at, all.here(), one.entry.name);
      auto leaving = leaves_out(one.entry);
      const bool folder = one.entry.kind == entry_kind::folder;
      if (is_excluded(how_.exclude_, one.path, folder)) {
        if (folder) all.skip();
        continue;
      }
      if (folder && mark && one.entry.name == called) {
        auto asking = is_marked(all.below(one.path + "/" + mark->name()));
        const bool here = co_await std::move(asking);
        if (here) {
          all.skip();
          leaving = left_out_cause::destination;
        }
      }
      if (leaving) {
        note_left_out(joined_path(at.into, one.path), *leaving);
        continue;
      }
      auto in = !folder && at.in ? at.in : open_folder_of(one, at.into, folder ? one.path : all.here());
      if (folder || !in) continue;
      fetch_job job{std::move(in), one.entry.name, all.below(one.path), one.entry.facts};
      auto more = co_await hand_out(std::move(job));
      if (!more) co_return;
    }
  }

  awaitable<void> find_source(fetch_source one, bool alone) {
    bool folder = one.from.folder;
    std::optional<file_facts> facts;
    if (!folder) {
      auto looking = look_over(one.from);
      auto found = co_await std::move(looking);
      if (!found) {
        note_failure_there(std::move(one.from), found.error());
        co_return;
      }
      folder = found->facts.kind == entry_kind::folder;
      facts = found->facts;
    }
    if (folder) {
      auto into = one.from.folder ? std::string() : std::move(one.name);
      auto finding = find_in_folder(std::move(one.from), std::move(into), alone);
      co_await std::move(finding);
      co_return;
    }
    auto in = into_->folder("");
    if (!in) {
      note_failed_folder("", in.error());
      co_return;
    }
    fetch_job job{std::move(*in), std::move(one.name), std::move(one.from), std::move(facts)};
    auto handing = hand_out(std::move(job));
    auto more = co_await std::move(handing);
    (void)more;
  }

  awaitable<void> find_all(std::vector<fetch_source> what) {
    const auto alone = are_alone(what);
    for (std::size_t i = 0; i < what.size() && !plan_.ended(); ++i) {
      auto finding = find_source(std::move(what[i]), alone[i]);
      co_await std::move(finding);
    }
    all_found_ = true;
    plan_.all_found();
    changed_.notify();
  }

  // ---- when all has come

  awaitable<void> finish() {
    auto removing = remove_all_strays();
    co_await std::move(removing);
    if (plan_.ended()) co_return;
    auto times = complete_times();
    if (times.empty()) co_return;
    auto setting = run_on(how_.disk_, set_times(into_, std::move(times)));
    co_await std::move(setting);
  }
  // Only where all was listed: what is not named may be what could not be read.
  awaitable<void> remove_all_strays() {
    for (auto& one : strays_) {
      if (plan_.ended() || !listed_) co_return;
      auto in = into_->folder(one.inside);
      if (!in) continue;  // it has gone
      auto how = rules_for(one);
      auto removing = run_on(how_.disk_, remove_on_disk(std::move(*in), std::move(one.names), std::move(how)));
      auto done = co_await std::move(removing);
      note_strays_gone(done);
    }
  }
  stray_rules rules_for(const stray_group& one) const {
    stray_rules made{how_.force_ ? replaces::any : replaces::fetched, how_.dry_};
    made.keeps = [patterns = how_.exclude_, top = one.top](const std::string& path, bool folder) {
      return is_excluded(patterns, path.substr(top), folder);
    };
    return made;
  }
  void note_strays_gone(const strays_outcome& done) {
    plan_.strays(done.removed.size(), done.kept);
    for (const auto& one : done.removed) told().removed(one);
    for (const auto& one : done.failed) {
      note_failure(
          {local_trouble(one.why), one.folder ? entry_kind::folder : entry_kind::file, one.path, std::nullopt});
    }
  }
  // A folder that lacks something of the one there has not its time.
  std::vector<folder_time> complete_times() {
    auto all = std::move(times_);
    std::erase_if(all, [this](const folder_time& one) { return incomplete_.contains(one.inside); });
    return all;
  }

  // ---- one file

  awaitable<void> fetch_in_turn() {
    for (;;) {
      while (queue_.empty() && !all_found_ && !plan_.ended()) {
        auto changed = co_await changed_.wait();
        if (!changed) co_return;
      }
      if (queue_.empty() || plan_.ended()) co_return;
      auto job = std::move(queue_.front());
      queue_.pop_front();
      changed_.notify();
      auto trying = fetch_file(std::move(job));
      co_await std::move(trying);
    }
  }

  // Once more where it changed meanwhile, and over another session where this one went. All that is to be told is told.
  awaitable<void> fetch_file(fetch_job job) {
    for (int attempts = 0;;) {
      fetch_attempt by;
      const auto over = at_;
      auto came = co_await try_fetch(job, by);
      if (came) co_return;
      plan_.undone(by);
      const auto& why = came.error().why;
      if (!came.error().local) {
        auto restoring = restore(over, why);
        const bool restored = co_await std::move(restoring);
        if (restored) continue;
      }
      if (!plan_.tries_anew(why, attempts)) {
        if (why == errc::file_changed && !job.half.empty()) ::unlinkat(job.in->native(), job.half.c_str(), 0);
        incomplete_.insert(job.in->inside());
        note_failure({came.error(), entry_kind::file, job.path(), std::nullopt});
        co_return;
      }
      ++attempts;
      if (job.facts) plan_.changed(*job.facts);
      job.facts.reset();
      constexpr std::chrono::milliseconds pause{300};  // whoever changes it is at it now
      auto slept = co_await sleep_until(clock::now() + pause);
      if (!slept) co_return;
    }
  }

  awaitable<fetch_verdict> try_fetch(fetch_job& job, fetch_attempt& by) {
    if (!job.facts) {
      const auto over = at_;
      file_request asked(job.from);
      auto found = co_await look_at(*over, std::move(asked));
      if (!found) co_return failed_there(found.error());
      if (found->facts.kind != entry_kind::file) co_return failed_there(errc::not_a_file);
      plan_.looked_at(found->facts);
      job.facts = found->facts;
    }
    if (job.in->has(job.name, *job.facts)) {
      fetch_verdict same;
      if (how_.verify_) {
        same = co_await compare(job, job.name);
      }
      if (same) {
        plan_.was_there(by, job.facts->size);
        note_file(job, file_came::present, 0);
        co_return fetch_verdict{};
      }
      if (same.error().why != errc::digest_mismatch) co_return same;
    }
    const auto which = how_.force_ ? replaces::any : replaces::fetched;
    if (how_.dry_) {
      const auto admitted = job.in->admits(job.name, which);
      if (!admitted) co_return failed_here(admitted.error());
      plan_.came(by, job.facts->size);
      note_file(job, file_came::fetched, 0);
      co_return fetch_verdict{};
    }
    auto opened = half_file::open(job.in, job.name, *job.facts, which);
    if (!opened) co_return failed_here(opened.error());
    auto half = std::make_shared<half_file>(std::move(*opened));
    if (!job.half.empty() && job.half != half->temporary()) ::unlinkat(job.in->native(), job.half.c_str(), 0);
    job.half = half->temporary();
    const auto there = half->size();
    if (there > 0) plan_.was_there(by, there);
    // a half of the whole length is the whole, if the file is still the same
    fetch_verdict filled = co_await fill(job, half, by);
    if (!filled && filled.error().why == errc::range_beyond_end && there == job.facts->size) filled = fetch_verdict{};
    if (!filled) co_return filled;  // the half stays: it may be other permissions that changed
    if (how_.verify_ || there > 0) {
      auto same = co_await compare(job, half->temporary());
      if (!same) {
        if (same.error().why == errc::digest_mismatch) half->remove();
        co_return same;
      }
    }
    auto settling = run_on(how_.disk_, settle(half, job.facts->modified));
    auto settled = co_await std::move(settling);
    if (!settled) co_return failed_here(settled.error());
    note_file(job, there > 0 ? file_came::resumed : file_came::fetched, there);
    co_return fetch_verdict{};
  }

  // When so many octets more are within the rate.
  time_point due_after(std::size_t octets) {
    const auto each = static_cast<double>(octets) / static_cast<double>(how_.rate_);
    due_ =
        std::max(due_, clock::now()) + std::chrono::duration_cast<clock::duration>(std::chrono::duration<double>(each));
    return due_;
  }

  // The octets that are not there yet.
  awaitable<fetch_verdict> fill(const fetch_job& job, half_file_ptr into, fetch_attempt& by) {
    auto& half = *into;
    const auto over = at_;
    file_request asked(job.from);
    asked.from(half.size(), job.facts->etag).only(job.facts->etag).snapshot(how_.snapshot_);
    auto file = co_await open_file(*over, std::move(asked));
    if (!file) co_return failed_there(file.error());
    const auto& head = file->head();
    if (head.facts.etag != job.facts->etag || head.facts.size != job.facts->size) {
      co_return failed_there(errc::file_changed);
    }
    if (head.first != half.size()) {
      auto cut = half.truncate();
      if (!cut) co_return failed_here(cut.error());
    }
    constexpr std::size_t most = 64 * 1024;
    const auto smooth = static_cast<std::size_t>(std::clamp<std::uint64_t>(how_.rate_ / 10, 1024, most));
    bytes piece(how_.rate_ > 0 ? smooth : most);
    while (!plan_.ended()) {
      auto count = co_await file->read_some(piece);
      if (!count) co_return failed_there(count.error());
      if (*count == 0) co_return fetch_verdict{};
      auto written = half.append(bytes_view(piece).first(*count));
      if (!written) co_return failed_here(written.error());
      plan_.came(by, *count);
      if (how_.rate_ > 0) {
        auto slept = co_await sleep_until(due_after(*count));
        if (!slept) co_return failed_there(slept.error());
      }
      if (!half.wants_sync()) continue;
      auto syncing = run_on(how_.disk_, put_on_disk(into));
      auto synced = co_await std::move(syncing);
      if (!synced) co_return failed_here(synced.error());
    }
    co_return failed_there(errc::canceled);
  }

  // Whether a file here is the one there: the server reads all of its own, we all of ours.
  awaitable<fetch_verdict> compare(const fetch_job& job, std::string name) {
    constexpr std::uint64_t slowest_disk = 10'000'000;  // octets a second
    const auto own = std::make_shared<digested_file>(
        ::openat(job.in->native(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!own->file) co_return failed_here(last_error());
    for (bool more = true; more;) {
      auto adding = run_on(how_.disk_, add_slice(own));
      auto added = co_await std::move(adding);
      if (!added) co_return failed_here(added.error());
      more = *added;
    }
    const auto here = own->sum.finish();
    file_request asked(job.from);
    asked.only(job.facts->etag).snapshot(how_.snapshot_).digest();
    const auto files = static_cast<std::uint64_t>(how_.parallel_) + 1;  // before ours
    const auto longest = patience + std::chrono::seconds(job.facts->size / slowest_disk * files);
    const auto over = at_;
    auto there = co_await look_at(*over, std::move(asked), longest);
    if (!there) co_return failed_there(there.error());
    if (!there->digest) co_return failed_there(errc::answer_unexpected);
    if (*there->digest != here) co_return failed_there(errc::digest_mismatch);
    co_return fetch_verdict{};
  }

  shared_streams at_;  // the session that there is now
  std::shared_ptr<const destination> into_;
  std::shared_ptr<fetch_events> told_;  // nothing: nobody is told, or not any more
  fetch_events nobody_;
  fetch_options how_;
  fetch_plan plan_;
  notifier changed_;  // the queue, or the end
  std::deque<fetch_job> queue_;
  bool listed_ = true;  // all that could be, so far
  std::vector<stray_group> strays_;
  std::size_t strays_noted_ = 0;
  std::vector<folder_time> times_;
  std::set<std::string> incomplete_;  // folders here that lack something
  time_point due_{};                  // where there is a rate: when all that came is within it
  bool all_found_ = false;
  bool restoring_ = false;  // somebody is getting another session
  bool over_ = false;
  task_group work_;
  task_group progress_;
  std::optional<asio::thread_pool> threads_;  // wait for fsync, which takes milliseconds
};

struct abandon_at_exit {
  explicit abandon_at_exit(std::shared_ptr<fetching> what) : on(std::move(what)) {}
  abandon_at_exit(const abandon_at_exit&) = delete;
  abandon_at_exit& operator=(const abandon_at_exit&) = delete;
  ~abandon_at_exit() { on->abandon(); }
  std::shared_ptr<fetching> on;
};

}  // namespace detail

AJAR_DECL awaitable<fetch_counts> fetch_folder(shared_streams over, std::vector<fetch_source> what, destination into,
                                               std::shared_ptr<fetch_events> told, fetch_options how) {
  const auto on = std::make_shared<detail::fetching>(std::move(over), std::move(into), std::move(told), std::move(how));
  const detail::abandon_at_exit guard(on);
  on->begin(on, std::move(what));
  co_await on->join();
  co_return on->counts();
}

}  // namespace ajar::files
