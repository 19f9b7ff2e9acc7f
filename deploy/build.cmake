# Dependencies, warnings, and the functions that make a folder into a library.
#
# Everything comes from the distribution's packages. Two packages lack a usable
# CMake export on one of the two Debian releases and are found by pkg-config:
# XGBoost (its export on Debian 12 names a program of another package) and
# libzstd (it has none).
find_package(PkgConfig REQUIRED)
find_package(Protobuf REQUIRED)
find_package(gRPC CONFIG REQUIRED)
find_package(absl CONFIG REQUIRED)
find_package(spdlog CONFIG REQUIRED)
find_package(yaml-cpp CONFIG REQUIRED)
find_package(CLI11 CONFIG REQUIRED)
find_package(simdjson CONFIG REQUIRED)
find_package(FastFloat CONFIG REQUIRED)
find_package(dragonbox CONFIG REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(ZLIB REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(XGBOOST REQUIRED IMPORTED_TARGET xgboost)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(HTTPLIB REQUIRED IMPORTED_TARGET cpp-httplib)
if(TROUPE_TESTS)
  enable_testing()
  find_package(GTest CONFIG REQUIRED)
  find_package(benchmark CONFIG REQUIRED)
endif()

# A quicker linker, where there is one.
find_program(TROUPE_LINKER NAMES mold ld.lld)
if(TROUPE_LINKER)
  cmake_path(GET TROUPE_LINKER FILENAME linker)
  string(REPLACE "ld." "" linker ${linker})
  add_link_options(-fuse-ld=${linker})
endif()

set(TROUPE_WARNINGS -Wall -Wextra -Wconversion -Wno-sign-conversion)
if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
  list(APPEND TROUPE_WARNINGS -Wthread-safety)
endif()

# Reading the headers of gRPC, Protobuf and Abseil takes longer than all else that
# a compiler does with a file of ours. So the files of a folder are compiled
# together (tests/README.md: what it costs; services/DECISIONS.md: what was tried). A file's
# name decides its unit: a new file changes one unit and leaves the others in the
# compiler's cache. Files of one folder therefore share one anonymous namespace.
set(TROUPE_UNIT_FILES 30 CACHE STRING "Files of a folder compiled together; 1: each alone")
if(TROUPE_UNIT_FILES GREATER 1)
  set(CMAKE_UNITY_BUILD ON)
endif()

# troupe_units(TARGET SOURCES...): divides the sources of a target into units.
function(troupe_units TARGET)
  set(sources ${ARGN})
  list(FILTER sources INCLUDE REGEX "\\.cc$")
  list(LENGTH sources count)
  math(EXPR units "(${count} - 1) / ${TROUPE_UNIT_FILES} + 1")
  foreach(source ${sources})
    cmake_path(GET source FILENAME name)
    string(MD5 digest ${name})
    string(SUBSTRING ${digest} 0 6 digest)
    math(EXPR unit "0x${digest} % ${units}")
    set_source_files_properties(${source} PROPERTIES UNITY_GROUP ${unit})
  endforeach()
  set_target_properties(${TARGET} PROPERTIES UNITY_BUILD_MODE GROUP)
endfunction()

# Tests are sorted by label so that a preset can choose: unit, process, lint.
function(troupe_gtest NAME)
  cmake_parse_arguments(A "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${NAME}_test ${A_SOURCES})
  troupe_units(${NAME}_test ${A_SOURCES})
  # A test's own code runs once: its optimisation would take longer than its run.
  target_compile_options(${NAME}_test PRIVATE ${TROUPE_WARNINGS} -O0)
  target_link_libraries(${NAME}_test PRIVATE ${A_DEPS} GTest::gmock_main)
  add_test(NAME unit.${NAME} COMMAND ${NAME}_test
           WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_tests_properties(unit.${NAME} PROPERTIES LABELS unit TIMEOUT 300)
endfunction()

# troupe_folder(NAME feature DEPS host table absl::strings [PROGRAM troupe-feature] [HOT])
# A folder is one library troupe_<name>: every .cc in it and in folders below it that
# are no libraries themselves, main.cc excepted. main.cc, where present, becomes a
# program; *_test.cc in the same place below tests/unit become ctest unit.<name>. DEPS without :: are our own folders, and repeat the table in
# tests/lint/layers.py. HOT: it works on every cell, so a release optimises it more
# than the rest, whose code waits for others most of its time.
function(troupe_folder)
  cmake_parse_arguments(A "HOT" "NAME;PROGRAM" "DEPS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  list(FILTER sources EXCLUDE REGEX "/main\\.cc$")
  file(GLOB rooms CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*/CMakeLists.txt)
  foreach(room ${rooms})
    cmake_path(GET room PARENT_PATH room)
    file(GLOB_RECURSE others CONFIGURE_DEPENDS ${room}/*.cc)
    list(REMOVE_ITEM sources ${others})
  endforeach()
  list(TRANSFORM A_DEPS REPLACE "^([a-z_]+)$" "troupe_\\1")
  if(sources)
    add_library(troupe_${A_NAME} STATIC ${sources})
    troupe_units(troupe_${A_NAME} ${sources})
    target_compile_options(troupe_${A_NAME} PRIVATE ${TROUPE_WARNINGS}
                           $<$<AND:$<BOOL:${A_HOT}>,$<CONFIG:Release>>:-O3>)
    target_include_directories(troupe_${A_NAME} PUBLIC ${PROJECT_SOURCE_DIR})
    target_link_libraries(troupe_${A_NAME} PUBLIC ${A_DEPS})
  else()
    add_library(troupe_${A_NAME} INTERFACE)
    target_include_directories(troupe_${A_NAME} INTERFACE ${PROJECT_SOURCE_DIR})
    target_link_libraries(troupe_${A_NAME} INTERFACE ${A_DEPS})
  endif()
  if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/main.cc)
    if(NOT A_PROGRAM)
      set(A_PROGRAM troupe-${A_NAME})
    endif()
    add_executable(${A_PROGRAM} main.cc)
    set_target_properties(${A_PROGRAM} PROPERTIES RUNTIME_OUTPUT_DIRECTORY
                          ${PROJECT_BINARY_DIR}/bin)
    target_compile_options(${A_PROGRAM} PRIVATE ${TROUPE_WARNINGS})
    target_link_libraries(${A_PROGRAM} PRIVATE troupe_${A_NAME})
    install(TARGETS ${A_PROGRAM})
  endif()
  if(TROUPE_TESTS)
    # services/loader has its tests in tests/unit/loader.
    file(RELATIVE_PATH place ${PROJECT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
    string(REGEX MATCH "^[a-z]+/(.+)$" place ${place})
    file(GLOB tests CONFIGURE_DEPENDS
         ${PROJECT_SOURCE_DIR}/tests/unit/${CMAKE_MATCH_1}/*_test.cc)
    if(tests)
      troupe_gtest(${A_NAME} SOURCES ${tests} DEPS troupe_${A_NAME} troupe_testing)
    endif()
  endif()
endfunction()
