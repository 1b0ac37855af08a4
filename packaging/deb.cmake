# SPDX-License-Identifier: BSD-3-Clause
# Debian packages, by CPack (make deb, tools/make_deb). Each package is a group of components.
#
#   caterva2          programs, units        libcaterva2-0      runtime
#   libcaterva2-dev   dev                    python3-caterva2   debpython: where Debian has Python's modules
set(DEB_REVISION 1 CACHE STRING "Debian's revision of the packages")
set(C2_MAINTAINER "Caterva2 developers <nobody@caterva2.invalid>" CACHE STRING "maintainer of the packages")
set(CPACK_PACKAGE_CONTACT ${C2_MAINTAINER})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "") # each package has its own
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME caterva2)
set(CPACK_PACKAGE_VENDOR "Caterva2 developers")
set(CPACK_PACKAGE_CHECKSUM SHA256)
set(CPACK_OUTPUT_FILE_PREFIX ${CMAKE_BINARY_DIR}/packages)
set(CPACK_PACKAGING_INSTALL_PREFIX ${CMAKE_INSTALL_PREFIX})
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ
    WORLD_EXECUTE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING ONE_PER_GROUP)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE ${DEB_REVISION})
set(CPACK_DEBIAN_PACKAGE_SOURCE caterva2)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(DEB_VERSION ${PROJECT_VERSION}-${DEB_REVISION})
set(deb_about "Caterva2 serves chunked, compressed n-dimensional datasets (Blosc2, HDF5)
over HTTP: any slice, any byte range, any whole file. Publishers share
directories, subscribers keep what is asked for in a cache, clients talk to a
subscriber near them.")

# deb_package(GROUP PACKAGE COMPONENTS...): one package. Its copyright, changelogs and control files are in packaging/deb.
function(deb_package group package)
    set(CPACK_COMPONENTS_ALL ${CPACK_COMPONENTS_ALL} ${ARGN} ${group}_doc PARENT_SCOPE)
    string(TOUPPER ${group} upper)
    set(CPACK_DEBIAN_${upper}_PACKAGE_NAME ${package} PARENT_SCOPE)
    foreach(component ${ARGN} ${group}_doc)
        string(TOUPPER ${component} component)
        set(CPACK_COMPONENT_${component}_GROUP ${group} PARENT_SCOPE)
    endforeach()
    install(FILES ${doc_dir}/copyright ${doc_dir}/changelog.gz ${doc_dir}/changelog.Debian.gz
            DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${package} COMPONENT ${group}_doc EXCLUDE_FROM_ALL)
    if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/deb/${package}.lintian-overrides)
        install(FILES ${CMAKE_CURRENT_SOURCE_DIR}/deb/${package}.lintian-overrides RENAME ${package}
                DESTINATION ${CMAKE_INSTALL_DATADIR}/lintian/overrides COMPONENT ${group}_doc EXCLUDE_FROM_ALL)
    endif()
endfunction()

# Licence texts as machine-readable copyright files want them: each line after a blank, empty ones as dots.
function(deb_licence file out)
    file(READ ${file} text)
    string(REGEX REPLACE "[ \t]+\n" "\n" text "${text}")
    string(STRIP "${text}" text)
    string(REPLACE "\n" "\n " text " ${text}")
    while(text MATCHES "\n \n")
        string(REPLACE "\n \n" "\n .\n" text "${text}")
    endwhile()
    set(${out} "${text}" PARENT_SCOPE)
endfunction()

# gzip, as small and as reproducible as it gets.
function(deb_gzip file out)
    execute_process(COMMAND gzip -9nc ${file} OUTPUT_FILE ${out} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

# ---- copyright and changelogs ----
set(doc_dir ${CMAKE_CURRENT_BINARY_DIR}/doc)
set(deb_dir ${CMAKE_CURRENT_SOURCE_DIR}/deb)
set(HDF5 "")
set(H5WEB "")
if(TARGET c2_hdf5_shared)
    deb_licence(${CMAKE_SOURCE_DIR}/third_party/hdf5-licenses.txt HDF5_LICENSES)
    file(READ ${deb_dir}/hdf5.copyright.in HDF5)
    string(CONFIGURE "${HDF5}" HDF5 @ONLY)
endif()
if(EXISTS ${CMAKE_SOURCE_DIR}/build/h5web/index.html)
    file(READ ${deb_dir}/h5web.copyright.in H5WEB)
endif()
configure_file(${deb_dir}/copyright.in ${doc_dir}/copyright @ONLY)
execute_process(COMMAND date -R -u --date=@$ENV{SOURCE_DATE_EPOCH} OUTPUT_VARIABLE DEB_DATE OUTPUT_STRIP_TRAILING_WHITESPACE
                COMMAND_ERROR_IS_FATAL ANY)
configure_file(${deb_dir}/changelog.in ${doc_dir}/changelog.Debian @ONLY)
deb_gzip(${doc_dir}/changelog.Debian ${doc_dir}/changelog.Debian.gz)
deb_gzip(${CMAKE_SOURCE_DIR}/CHANGELOG.md ${doc_dir}/changelog.gz)

# ---- the packages ----
deb_package(caterva2 caterva2 programs units)
set(CPACK_DEBIAN_CATERVA2_DESCRIPTION "share chunked, compressed n-dimensional datasets among hosts\n${deb_about}
.
These are the services cat2bro, cat2pub, cat2sub and cat2serve with units for
systemd, cat2admin, the clients cat2cli and cat2tui, and the tools cat2import,
cat2export and cat2example.")
set(CPACK_DEBIAN_CATERVA2_PACKAGE_SECTION net)
set(CPACK_DEBIAN_CATERVA2_PACKAGE_DEPENDS "systemd | systemd-standalone-sysusers | systemd-sysusers")
# The library that a bus on NATS loads: nothing is linked to it, so dpkg-shlibdeps does not see it.
get_filename_component(nats_file ${nats_library} REALPATH)
execute_process(COMMAND dpkg-query -S ${nats_file} OUTPUT_VARIABLE nats_package COMMAND_ERROR_IS_FATAL ANY)
string(REGEX REPLACE ":.*" "" nats_package "${nats_package}")
set(CPACK_DEBIAN_CATERVA2_PACKAGE_RECOMMENDS "ca-certificates, ${nats_package}")
set(CPACK_DEBIAN_CATERVA2_PACKAGE_CONTROL_EXTRA ${deb_dir}/postinst ${deb_dir}/prerm ${deb_dir}/postrm ${deb_dir}/conffiles)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${CMAKE_SOURCE_DIR}/.deps/hdf5/lib)

deb_package(libcaterva2 libcaterva2-${PROJECT_VERSION_MAJOR} runtime)
set(CPACK_DEBIAN_LIBCATERVA2_DESCRIPTION "read datasets of a Caterva2 subscriber (shared library)\n${deb_about}
.
This is the client library for C.")
set(CPACK_DEBIAN_LIBCATERVA2_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_LIBCATERVA2_PACKAGE_RECOMMENDS ca-certificates)
# CPack would call ldconfig by scripts; the trigger does. So what the library needs is found out in deb/depends.cmake.
set(CPACK_DEBIAN_LIBCATERVA2_PACKAGE_SHLIBDEPS OFF)
set(libcaterva2_control ${CMAKE_CURRENT_BINARY_DIR}/control)
file(CONFIGURE OUTPUT ${libcaterva2_control}/shlibs CONTENT
     "libcaterva2 @PROJECT_VERSION_MAJOR@ libcaterva2-@PROJECT_VERSION_MAJOR@ (>= @PROJECT_VERSION@)\n")
set(CPACK_DEBIAN_LIBCATERVA2_PACKAGE_CONTROL_EXTRA ${libcaterva2_control}/shlibs ${deb_dir}/triggers)

deb_package(dev libcaterva2-dev dev)
set(CPACK_DEBIAN_DEV_DESCRIPTION "read datasets of a Caterva2 subscriber (development files)\n${deb_about}
.
This is what programs in C are built with: headers, pkg-config file, CMake
package.")
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS "libcaterva2-${PROJECT_VERSION_MAJOR} (= ${DEB_VERSION})")
set(CPACK_DEBIAN_DEV_PACKAGE_SHLIBDEPS OFF)

if(TARGET c2_python)
    set(python_dir lib/python3/dist-packages/caterva2)
    install(TARGETS c2_python DESTINATION ${python_dir} COMPONENT debpython EXCLUDE_FROM_ALL)
    install(DIRECTORY ${CMAKE_SOURCE_DIR}/python/caterva2/ DESTINATION ${python_dir} COMPONENT debpython EXCLUDE_FROM_ALL
            FILES_MATCHING PATTERN "*.py" PATTERN "*.pyi" PATTERN "py.typed" PATTERN "__pycache__" EXCLUDE)
    install(DIRECTORY ${c2_python_info} DESTINATION lib/python3/dist-packages COMPONENT debpython EXCLUDE_FROM_ALL)
    deb_package(python python3-caterva2 debpython)
    set(CPACK_DEBIAN_PYTHON_DESCRIPTION "read datasets of a Caterva2 subscriber (Python)\n${deb_about}
.
This is the client library for Python.")
    set(CPACK_DEBIAN_PYTHON_PACKAGE_SECTION python)
    set(CPACK_DEBIAN_PYTHON_PACKAGE_DEPENDS
        "python3 (>= 3.9), python3-numpy")
    foreach(script postinst prerm)
        configure_file(${deb_dir}/py-${script} ${CMAKE_CURRENT_BINARY_DIR}/python/${script} COPYONLY)
        list(APPEND CPACK_DEBIAN_PYTHON_PACKAGE_CONTROL_EXTRA ${CMAKE_CURRENT_BINARY_DIR}/python/${script})
    endforeach()
endif()

configure_file(${deb_dir}/depends.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/depends.cmake @ONLY)
set(CPACK_PROJECT_CONFIG_FILE ${CMAKE_CURRENT_BINARY_DIR}/depends.cmake)
set(CPACK_PRE_BUILD_SCRIPTS ${deb_dir}/finish.cmake)
include(CPack)
foreach(group caterva2 libcaterva2 dev python)
    cpack_add_component_group(${group})
endforeach()
