# fsrcnn_embed_file(INPUT NAME OUTPUT): generates OUTPUT, a C++ file that defines
#   namespace fsrcnn { extern const unsigned char NAME[]; extern const unsigned long NAME##Size; }
# with the bytes of INPUT, at build time.
function(fsrcnn_embed_file input name output)
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -DINPUT=${PROJECT_SOURCE_DIR}/${input} -DNAME=${name} -DOUTPUT=${output}
            -P ${PROJECT_SOURCE_DIR}/cmake/embed_file_script.cmake
    DEPENDS ${PROJECT_SOURCE_DIR}/${input} ${PROJECT_SOURCE_DIR}/cmake/embed_file_script.cmake
    VERBATIM)
endfunction()
