# Headers with the texts of files, so that the program needs none of the files at run time.

# jeton_read_text(VARIABLE FILE): CMake runs again when the file changes.
function(jeton_read_text variable file)
  file(READ ${file} text)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  set(${variable} "${text}" PARENT_SCOPE)
endfunction()

# jeton_write_texts(OUTPUT FOLDER NAMESPACE NAME...): a constant for each name, whose text is in the variable text_NAME.
function(jeton_write_texts output folder namespace)
  set(header "// Made by ${CMAKE_CURRENT_FUNCTION}() out of ${folder}.\n#pragma once\n\n#include <string_view>\n\n")
  string(APPEND header "namespace ${namespace} {\n\n")
  foreach(name ${ARGN})
    string(APPEND header "inline constexpr std::string_view ${name} = R\"text(${text_${name}})text\";\n\n")
  endforeach()
  string(APPEND header "}  // namespace ${namespace}\n")
  file(CONFIGURE OUTPUT ${output} CONTENT "${header}" @ONLY)
endfunction()
