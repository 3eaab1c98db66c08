# The list of kernel families: every folder but core.
file(GLOB families CONFIGURE_DEPENDS RELATIVE ${dir} ${dir}/*)
foreach(family IN LISTS families)
  if(IS_DIRECTORY ${dir}/${family} AND NOT family STREQUAL "core")
    list(APPEND found ${family})
  endif()
endforeach()
adze_name_list(${CMAKE_BINARY_DIR}/generated/kernels/kernel_list.inc ADZE_KERNELS ${found})
target_include_directories(adze_kernels PRIVATE ${CMAKE_BINARY_DIR}/generated/kernels)
