// ApiHost: a real ApiServer on a real socket, on a loop in a thread of its own, over a FakeStatus. The test talks to it
// as a client and changes the status through on_loop().
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <filesystem>
#include <functional>
#include <future>
#include <optional>
#include <thread>
#include <utility>

#include "agent/api/server/server.hpp"
#include "agent/base/boot_timers.hpp"
#include "agent/base/task.hpp"
#include "agent/base/time.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/api/fake_status.hpp"

namespace jeton::test {

// Deadlines that no busy machine reaches; a test of a deadline sets its own.
inline agent::ApiLimits patient_limits() {
  agent::ApiLimits limits;
  limits.read_deadline = limits.write_deadline = limits.heartbeat = std::chrono::minutes(5);
  return limits;
}

class ApiHost {
 public:
  explicit ApiHost(agent::ApiLimits limits = patient_limits(), std::filesystem::path directory = {})
      : socket_((directory.empty() ? dir_.path() : directory) / "agent.sock") {
    server_.emplace(context_.get_executor(), timers_, socket_, status_, limits);
    server_->start();
    thread_ = std::thread([this] { context_.run(); });
  }
  ApiHost(const ApiHost&) = delete;
  ApiHost& operator=(const ApiHost&) = delete;
  ~ApiHost() {
    on_loop([this](FakeStatus&) { server_->stop(); });
    context_.stop();
    thread_.join();
  }

  // Runs `work` on the loop's thread and waits for it.
  void on_loop(const std::function<void(FakeStatus&)>& work) {
    std::promise<void> done;
    boost::asio::post(context_, [&] {
      work(status_);
      done.set_value();
    });
    done.get_future().wait();
  }
  // The same, and then notifies all streams of a change.
  void change(const std::function<void(FakeStatus&)>& work) {
    on_loop([&](FakeStatus& status) {
      work(status);
      status.changed().notify();
    });
  }

  // Behind what the loop has to do already, and before what it hears from now on.
  void start(agent::Task<> task) {
    boost::asio::post(context_, [this, started = std::move(task)]() mutable {
      agent::start_task(context_.get_executor(), std::move(started));
    });
  }

  [[nodiscard]] std::size_t connections() {
    std::size_t n = 0;
    on_loop([&](FakeStatus&) { n = server_->connections(); });
    return n;
  }
  // Changes the token until so many connections are left: the server drops a client that reads none of the news.
  [[nodiscard]] bool flood_until_left(std::size_t left, const std::string& name) {
    std::uint64_t generation = 0;
    return eventually([&] {
      for (int i = 0; i < 50; ++i) {
        change([&](FakeStatus& status) {
          status.token(name).generation = ++generation;
          status.token(name).last_error = std::string(4096, 'x');
        });
      }
      return connections() == left;
    });
  }
  void restore_socket() {
    on_loop([this](FakeStatus&) { server_->restore_socket(); });
  }
  void stop_server() {
    on_loop([this](FakeStatus&) { server_->stop(); });
  }
  [[nodiscard]] const std::filesystem::path& socket() const { return socket_; }

 private:
  TempDir dir_;
  std::filesystem::path socket_;
  boost::asio::io_context context_{1};
  agent::SystemClock clock_;
  agent::BootTimers timers_{context_, clock_};
  FakeStatus status_{timers_};
  std::optional<agent::ApiServer> server_;
  std::thread thread_;
};

}  // namespace jeton::test
