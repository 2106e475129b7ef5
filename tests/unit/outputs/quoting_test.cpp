// Each format gives the text back, as programs that read it do.
#include <gtest/gtest.h>

#include "agent/base/error.hpp"
#include "agent/outputs/output_content.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace jeton::agent {
namespace {

// Every character that a token may have.
std::string every_character() {
  std::string text;
  for (char c = '!'; c <= '~'; ++c) text += c;
  return text;
}

std::string written(OutputFunction function, const std::string& text) {
  return std::string(apply(function, SecretString(text)).reveal());
}

std::string fault_of(OutputFunction function, const std::string& text) {
  try {
    return written(function, text);
  } catch (const Error& e) {
    return e.what();
  }
}

// What Python makes of it.
std::string python(const std::string& program, const std::string& argument) {
  const test::RunResult got = test::run({"python3", "-c", program, argument});
  return got.status == 0 ? got.out : "failed: " + got.err;
}

class Quoting : public testing::Test {
 protected:
  std::string file(const std::string& content) const { return dir.write("file", content).string(); }
  test::TempDir dir;
};

TEST_F(Quoting, FormatIsJson_ParserGivesTheTextBack) {
  for (const std::string& text :
       {every_character(), std::string("a\tb\nc\x7f"), std::string("\xC3\xA4"), std::string()}) {
    EXPECT_EQ(python("import json, sys; sys.stdout.buffer.write(json.load(open(sys.argv[1], 'rb')).encode())",
                     file(written(OutputFunction::json, text))),
              text);
  }
  EXPECT_EQ(written(OutputFunction::json, std::string("\x01\0", 2)), "\"\\u0001\\u0000\"");
}

TEST_F(Quoting, FormatIsShell_ShellGivesTheTextBack) {
  for (const std::string& text : {every_character(), std::string("a b'c\nd"), std::string("$(id) `id` ${HOME}")}) {
    const std::string script = "V=" + written(OutputFunction::shell, text) + "\nprintf %s \"$V\"\n";
    const test::RunResult got = test::run({"/bin/sh", file(script)});
    EXPECT_EQ(got.out, text) << got.err;
  }
}

TEST_F(Quoting, FormatIsIni_GitGivesTheTextBack) {
  const std::string text = every_character() + " ;#";
  const std::string config = file("[api]\n\ttoken = " + written(OutputFunction::ini, text) + "\n");
  const test::RunResult got = test::run({"git", "config", "--file", config, "api.token"});
  EXPECT_EQ(got.out, text + "\n") << got.err;
}

TEST_F(Quoting, FormatIsNetrc_PythonGivesTheTextBack) {
  for (const std::string& text : {std::string("plain-token_1.2/3+4="), every_character(), std::string("#a\"b\\c")}) {
    const std::string netrc = file("machine h login l password " + written(OutputFunction::netrc, text) + "\n");
    EXPECT_EQ(python("import netrc, sys; sys.stdout.write(netrc.netrc(sys.argv[1]).authenticators('h')[2])", netrc),
              text);
  }
  EXPECT_EQ(written(OutputFunction::netrc, "plain"), "plain") << "old readers know no quotes";
}

TEST_F(Quoting, FormatIsPgpass_ColonsAndBackslashesAreEscaped) {
  EXPECT_EQ(written(OutputFunction::pgpass, "a:b\\c"), "a\\:b\\\\c");
}

TEST_F(Quoting, FormatIsNginx_QuotesAreEscapedAndVariablesRefused) {
  EXPECT_EQ(written(OutputFunction::nginx, "Bearer a\"b\\c;}"), "\"Bearer a\\\"b\\\\c;}\"");
  EXPECT_EQ(fault_of(OutputFunction::nginx, "s3cret$x"),
            "nginx: the text holds a $, which begins a variable there and cannot be written");
}

TEST_F(Quoting, FormatIsForAnUrlOrBytes_TextIsEncoded) {
  EXPECT_EQ(written(OutputFunction::base64, "user:pass"), "dXNlcjpwYXNz");
  EXPECT_EQ(python("import sys, urllib.parse; sys.stdout.write(urllib.parse.unquote(sys.argv[1]))",
                   written(OutputFunction::percent, every_character())),
            every_character());
}

TEST_F(Quoting, TextCannotBeWritten_IsRefusedWithoutIt) {
  for (const OutputFunction function :
       {OutputFunction::ini, OutputFunction::netrc, OutputFunction::pgpass, OutputFunction::nginx}) {
    const std::string fault = fault_of(function, "s3cret\nline");
    EXPECT_EQ(fault, std::string(name_of(function)) + ": the text holds a control character");
  }
  EXPECT_EQ(fault_of(OutputFunction::json, "s3cret\xff"), "json: the text is not UTF-8");
  EXPECT_EQ(fault_of(OutputFunction::shell, std::string("s3cret\0", 7)), "shell: the text holds a NUL byte");
}

}  // namespace
}  // namespace jeton::agent
