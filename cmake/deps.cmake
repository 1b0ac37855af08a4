# SPDX-License-Identifier: BSD-3-Clause
# What the house stands on. tools/setup puts into .deps/ what the distribution lacks.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
foreach(module IN ITEMS uv:libuv microhttpd:libmicrohttpd curl:libcurl sqlite3:sqlite3 xxhash:libxxhash
                        tomlplusplus:tomlplusplus hdf5:hdf5-serial deflate:libdeflate
                        png:libpng cmark:libcmark ncursesw:ncursesw)
    string(REPLACE ":" ";" pair ${module})
    list(GET pair 0 name)
    list(GET pair 1 pc)
    pkg_check_modules(${name} REQUIRED IMPORTED_TARGET ${pc})
endforeach()
if(C2_TESTS)
    pkg_check_modules(cmocka REQUIRED IMPORTED_TARGET cmocka)
endif()

# yyjson: the system's, else the pinned source that tools/setup unpacked.
add_library(c2_yyjson INTERFACE)
pkg_check_modules(yyjson QUIET IMPORTED_TARGET yyjson)
if(yyjson_FOUND)
    target_link_libraries(c2_yyjson INTERFACE PkgConfig::yyjson)
else()
    set(yyjson_dir ${CMAKE_SOURCE_DIR}/.deps/yyjson)
    if(NOT EXISTS ${yyjson_dir}/yyjson.c)
        message(FATAL_ERROR "yyjson is neither installed nor in .deps/: run tools/setup")
    endif()
    add_library(c2_yyjson_src STATIC ${yyjson_dir}/yyjson.c)
    target_include_directories(c2_yyjson_src SYSTEM PUBLIC ${yyjson_dir})
    target_compile_options(c2_yyjson_src PRIVATE -w)
    target_link_libraries(c2_yyjson INTERFACE c2_yyjson_src)
endif()

# C-Blosc2 >= 3.3: the system's, else the static library that tools/setup unpacked.
add_library(c2_blosc2 INTERFACE)
pkg_check_modules(blosc2 QUIET IMPORTED_TARGET blosc2>=3.3)
if(blosc2_FOUND)
    target_link_libraries(c2_blosc2 INTERFACE PkgConfig::blosc2)
else()
    set(blosc2_dir ${CMAKE_SOURCE_DIR}/.deps/blosc2)
    if(NOT EXISTS ${blosc2_dir}/lib/libblosc2.a)
        message(FATAL_ERROR "C-Blosc2 >= 3.3 is neither installed nor in .deps/: run tools/setup")
    endif()
    add_library(c2_blosc2_archive STATIC IMPORTED)
    set_target_properties(c2_blosc2_archive PROPERTIES IMPORTED_LOCATION ${blosc2_dir}/lib/libblosc2.a)
    target_include_directories(c2_blosc2 SYSTEM INTERFACE ${blosc2_dir}/include)
    target_link_libraries(c2_blosc2 INTERFACE c2_blosc2_archive Threads::Threads ${CMAKE_DL_LIBS} m)
endif()

# wslay ships no pkg-config file.
find_library(WSLAY_LIBRARY wslay REQUIRED)
add_library(c2_wslay INTERFACE)
target_link_libraries(c2_wslay INTERFACE ${WSLAY_LIBRARY})
